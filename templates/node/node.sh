#!/bin/sh
# The node's side of `bootstrap`: reads the node, and puts revisions of its files in place. Its text is sent with each
# call, nothing is installed for reading; only what runs by itself (`expire`, `recover`) is kept, beside the revisions.
# POSIX shell, coreutils, tar and systemd only.
#
# /var/lib/bootstrap:
#   revisions/N/     meta (digest, time, who), index, files/<path>, node.sh; taken-back where it did not prove itself
#   current          number of the revision that was committed last; last-known-good the same
#   transaction/     a revision that is being put in place or awaits its commit:
#     state-S          S is preparing, placing, placed or committed. It is renamed, which works on a full disk too
#     kubelet-K        K is due, begun or done: what is to be done with the kubelet
#     meta             to, from, digest, action, seconds to confirm
#     changes          what is done, in this order; undo/K is what was there before line K
#     deadline         boot and uptime from which on the node takes it back by itself
#   lock             lease of the admin's side; counted by uptime, so that no clock can make it last for ever
#   busy, lease      symbolic links that name the process that changes things right now
#   reverted         the last revision that was taken back
# Output lines are fields with tabs between. Exit: 0 done, 1 failed, 64 usage, 75 locked by another, 76 refused.
# shellcheck disable=SC2015 # `a && b || c` is meant as it is: c also where b fails
set -u
umask 077
unset CDPATH IFS
LC_ALL=C
PATH=${PATH:+$PATH:}/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
export LC_ALL PATH

root=${BOOTSTRAP_NODE_ROOT:-}
root=${root%/}
state=$root/var/lib/bootstrap
units=$root/etc/systemd/system
identity=$root/var/lib/kubelet/pki/kubelet-client-current.pem
tx=$state/transaction
tab=$(printf '\t')
nl='
'
verb=
held=
staging=
said=
at_boot=
KEEP=5
# Seconds that a kubelet may take from its start until it knows the pods that run; there is no other way to see it here.
TAKEOVER=15
[ -z "$root" ] || TAKEOVER=0

say() { printf '%s\n' "$*" >&2; }
fail() { say "$*"; exit 1; }
refuse() { say "$*"; exit 76; }
usage() { say "node.sh: wrong usage of '$verb'"; exit 64; }

# The root of a test stands for /: messages name paths as they are on a node.
shown() { printf '%s' "${1#"$root"}"; }

# What the command said is kept in $said.
try() { said=$("$@" 2>&1); }

# WHAT DIRECTORY: one line on what went wrong there, from $said.
trouble() {
  case $said in
    *'No space left'* | *'quota exceeded'*)
      # shellcheck disable=SC2046
      set -- "$1" "$2" $(stat -f -c '%f %S %d' -- "$2" 2>/dev/null || echo 0 1 0)
      printf '%s: no space left on the file system of %s (%s KiB and %s inodes free): %s' \
        "$1" "$(shown "$2")" "$(($3 * $4 / 1024))" "$5" "${said%%"$nl"*}" ;;
    *) printf '%s: %s' "$1" "${said%%"$nl"*}" ;;
  esac
}

now() {
  read -r uptime _ </proc/uptime
  uptime=${uptime%%.*}
}

utc() { date -u +%Y-%m-%dT%H:%M:%SZ; }

is_number() { case $1 in '' | *[!0-9]*) return 1 ;; esac; }

# FILE TEXT: a whole file or none, with its content on the disk before its name is.
put() {
  said=$({ printf '%s\n' "$2" | cat >"${1%/*}/.${1##*/}.new"; } 2>&1) &&
    try sync -- "${1%/*}/.${1##*/}.new" &&
    try mv -fT -- "${1%/*}/.${1##*/}.new" "$1" &&
    try sync -- "${1%/*}"
}

# PATH: out of sight at once, then away; what a kill leaves of it is removed by `tidy`.
trash() {
  try mv -T -- "$1" "$state/.trash-$$-${1##*/}" || return 1
  rm -rf -- "$state/.trash-$$-${1##*/}" 2>/dev/null
  return 0
}

tidy() {
  for leftover in "$state"/.trash-* "$state"/.transaction-* "$state"/revisions/.staging-* \
    "$state"/.current.new "$state"/.last-known-good.new "$state"/.reverted.new "$state"/.node.sh.new; do
    [ ! -e "$leftover" ] || rm -rf -- "$leftover" 2>/dev/null
  done
}

# shellcheck disable=SC2317 # a trap calls it
leave() {
  status=$?
  trap '' HUP INT TERM
  [ -z "$staging" ] || rm -rf -- "$staging" 2>/dev/null
  for name in $held; do rm -f -- "$state/$name" 2>/dev/null; done
  exit "$status"
}

# ---- programs of the node; a test's root has its own or none, never those of the machine

find_program() {
  tool=$(command -v "$1") || tool=
  if [ -n "$root" ]; then
    case $tool in /usr/* | /bin/* | /sbin/*) tool= ;; esac
    [ ! -x "$root/usr/bin/$1" ] || tool=$root/usr/bin/$1
  fi
  [ -n "$tool" ]
}

# One of systemd.
find_tool() {
  find_program "$1" || return 1
  [ -n "$root" ] || [ -d /run/systemd/system ] || tool= # sd_booted(3)
  [ -n "$tool" ]
}

systemd() {
  find_tool systemctl || { said='systemd does not run here'; return 1; }
  try "$tool" "$@"
}

user=$(id -u)
may_chown() { [ -z "$root" ] && [ "$user" = 0 ]; }

# ---- who changes things: one process at a time

# Start time of a process in clock ticks, which tells a reused PID apart; '' where it has ended.
started() {
  start=
  { read -r line <"/proc/$1/stat"; } 2>/dev/null || return 0
  # shellcheck disable=SC2086
  set -- ${line##*) }
  case $1 in Z | X) ;; *) start=${20:-} ;; esac
}

# A link is there with what it says or not at all, and so short that it takes no block of the disk.
whoami_here() {
  read -r boot </proc/sys/kernel/random/boot_id
  started $$
  me=${boot%%-*}:$$:$start:$verb
}

# BOOT:PID:START:VERB
is_alive() {
  holder_boot=${1%%:*}
  holder_pid=${1#*:}
  holder_start=${holder_pid#*:}
  holder_verb=${holder_start#*:}
  holder_pid=${holder_pid%%:*}
  holder_start=${holder_start%%:*}
  is_number "$holder_pid" && [ "$holder_boot" = "${boot%%-*}" ] || return 1
  started "$holder_pid"
  [ -n "$start" ] && [ "$start" = "$holder_start" ]
}

# LINK: one attempt. Only who holds the link that is named after a dead holder may remove what that one left; so a link
# is never taken away from somebody who has just got it.
take() {
  try ln -sT -- "$me" "$1" && return 0
  set -- "$1" "$(readlink -- "$1")" "$said"
  if [ -z "$2" ]; then # given back just now, or it cannot be made at all
    try ln -sT -- "$me" "$1" && return 0
    [ -L "$1" ] || fail "$(trouble "$(shown "$1") cannot be made" "$state")"
    return 1
  fi
  ! is_alive "$2" || return 1
  set -- "$1" "$2" "$1.$holder_boot-$holder_pid-$holder_start"
  take "$3" || return 1
  [ "$(readlink -- "$1")" != "$2" ] || rm -f -- "$1"
  rm -f -- "$3"
  try ln -sT -- "$me" "$1"
}

# NAME SECONDS
hold() {
  now
  patience=$((uptime + $2))
  until take "$state/$1"; do
    now
    if [ "$uptime" -ge "$patience" ]; then
      is_alive "$(readlink -- "$state/$1")"
      say "this node is being changed right now (${holder_verb:-?}, process ${holder_pid:-?} there)"
      exit 75
    fi
    sleep 0.1
  done
  held="$held $1"
  for claim in "$state/$1".*; do [ ! -L "$claim" ] || rm -f -- "$claim"; done
}

release() {
  rm -f -- "$state/$1"
  others=
  for name in $held; do [ "$name" = "$1" ] || others="$others $name"; done
  held=$others
}

# ---- the lease of the admin's side

read_lock() {
  lock_token='' lock_since='' lock_boot='' lock_until='' lock_lease='' lock_who='' lock_left=0
  [ -f "$state/lock" ] || return 1
  { IFS=$tab read -r lock_token lock_since lock_boot lock_until lock_lease lock_who <"$state/lock"; } 2>/dev/null
  [ -n "$lock_who" ] && is_number "$lock_until" || { lock_token=; return 1; }
  now
  [ "$lock_boot" != "$boot" ] || lock_left=$((lock_until - uptime))
  [ "$lock_left" -gt 0 ] || lock_left=0
}

# TOKEN SINCE LEASE WHO. Not forced to the disk: after a power cut it counts no more anyway.
write_lock() {
  now
  said=$({ printf '%s\t%s\t%s\t%s\t%s\t%s\n' "$1" "$2" "$boot" "$((uptime + $3))" "$3" "$4" |
    cat >"$state/.lock.new"; } 2>&1) && try mv -fT -- "$state/.lock.new" "$state/lock"
}

print_lock() { printf 'lock\t%s\t%s\t%s\t%s\n' "$lock_token" "$lock_since" "$lock_left" "$lock_who"; }

locked() {
  if [ -n "$lock_token" ]; then
    print_lock
    say "locked by $lock_who, since $lock_since; given up in $lock_left seconds unless it is renewed"
  else
    say 'the lock of this node was lost'
  fi
  exit 75
}

# TOKEN: the lock is held by this token, and lasts longer from now on. Without room for that it goes on all the same:
# taking something back must work on a full disk.
renew() {
  [ -d "$state" ] || { lock_token=; locked; }
  hold lease 10
  read_lock && [ "$lock_token" = "$1" ] || locked
  renewed=yes
  write_lock "$lock_token" "$lock_since" "$lock_lease" "$lock_who" || renewed=
  release lease
}

make_state() {
  [ -d "$state/revisions" ] && [ "$(stat -c %a -- "$state")" = 700 ] && return
  try mkdir -p -- "$state/revisions" && try chmod 700 -- "$state" ||
    fail "$(trouble "$(shown "$state") cannot be made" "$root/")"
}

# TOKEN LEASE_SECONDS WHO [BREAK_TOKEN]
do_lock() {
  [ $# -ge 3 ] && is_number "$2" || usage
  make_state
  hold lease 10
  since=$(utc)
  if read_lock; then
    if [ "$lock_token" = "$1" ]; then
      since=$lock_since
    elif [ "$lock_left" -gt 0 ] && [ "$lock_token" != "${4:-}" ]; then
      locked
    fi
  fi
  write_lock "$1" "$since" "$2" "$3" || fail "$(trouble 'the lock cannot be written' "$state")"
}

do_keep() {
  [ $# = 1 ] || usage
  renew "$1"
  [ -n "$renewed" ] || fail "$(trouble 'the lock cannot be renewed' "$state")"
}

do_unlock() {
  [ $# = 1 ] || usage
  [ -f "$state/lock" ] || return 0
  hold lease 10
  read_lock
  [ "$lock_token" != "$1" ] || try rm -f -- "$state/lock" || fail "$(trouble 'the lock cannot be removed' "$state")"
}

# ---- what is there

# Sets current and, where there is a transaction, tx_*.
look() {
  current='' tx_state='' tx_to='' tx_from='' tx_digest='' tx_action='' tx_confirm=''
  [ ! -f "$state/current" ] || read -r current <"$state/current" || fail "$(shown "$state/current") cannot be read"
  [ -d "$tx" ] || return 0
  for word in preparing placing placed committed; do [ ! -e "$tx/state-$word" ] || tx_state=$word; done
  { IFS=$tab read -r tx_to tx_from tx_digest tx_action tx_confirm <"$tx/meta"; } 2>/dev/null
  [ -n "$tx_confirm" ] || tx_state=
}

# For those that change things: a transaction that cannot be understood must not be passed over.
look_closely() {
  look
  [ -z "$tx_state" ] && [ -d "$tx" ] || return 0
  fail "$(shown "$tx") cannot be read, or somebody has changed it"
}

# Says lines on standard error that are about more than a file that is not there.
complain() {
  complaint=
  set -f
  IFS=$nl
  for line in $1; do
    case $line in
      *'No such file or directory'* | *'Not a directory'*) ;;
      *) complaint=$complaint${complaint:+; }$line ;;
    esac
  done
  unset IFS
  set +f
  [ -z "$complaint" ] || fail "$complaint"
}

one_line() { printf '%s' "$1" | tr '\t\n' '??'; }

# ETCD_DATA_DIR MANIFESTS_DIR; paths on standard input
do_facts() {
  [ $# = 2 ] || usage
  now
  printf 'node\t%s\t%s\t%s\n' "$(uname -n)" "$(date +%s%N)" "$uptime"
  if may_chown; then printf 'owners\tyes\n'; else printf 'owners\tno\n'; fi
  facts_kubelet
  dir=$state
  until [ -e "${dir:-/}" ]; do dir=${dir%/*}; done
  [ -d "${dir:-/}" ] || fail "$(shown "$dir"): is not a directory"
  # shellcheck disable=SC2046
  set -- "$1" "$2" $(stat -f -c '%a %S' -- "${dir:-/}") || exit 1
  writable=no
  ! env test -w "${dir:-/}" || writable=yes # the shell's own may not know of a read-only file system
  printf 'disk\t%s\t%s\n' "$((${3:-0} * ${4:-0}))" "$writable"
  if [ -d "$root$1/member" ]; then printf 'etcd-data\tyes\n'; else printf 'etcd-data\tno\n'; fi
  facts_manifests "$root$2"
  facts_state
  facts_files
  printf 'end\n'
}

facts_kubelet() {
  active=unknown enabled=unknown
  if find_tool systemctl &&
    unit=$("$tool" show -p LoadState -p ActiveState -p UnitFileState kubelet.service 2>/dev/null); then
    load=
    for line in $unit; do
      case $line in
        LoadState=*) load=${line#*=} ;;
        ActiveState=*) active=${line#*=} ;;
        UnitFileState=*) enabled=${line#*=} ;;
      esac
    done
    [ "$load" != not-found ] || active=absent enabled=absent
    [ -n "$enabled" ] || enabled=unknown
  fi
  printf 'kubelet\t%s\t%s\n' "$active" "$enabled"
}

facts_manifests() {
  [ -d "$1" ] || return 0
  [ -r "$1" ] && [ -x "$1" ] || fail "$(shown "$1"): permission denied"
  for file in "$1"/*; do
    { [ -e "$file" ] || [ -L "$file" ]; } && [ ! -d "$file" ] || continue
    name=${file##*/}
    case $name in *"$nl"* | *"$tab"*) name=$(one_line "$name") ;; esac
    printf 'manifest\t%s\n' "$name"
  done
}

facts_state() {
  current=
  [ -e "$state" ] || return 0
  [ -d "$state" ] && [ -r "$state" ] && [ -x "$state" ] || fail "$(shown "$state"): permission denied"
  whoami_here
  look
  if [ "$tx_state" = committed ]; then
    current=$tx_to
  elif [ -n "$tx_state" ]; then
    printf 'transaction\t%s\t%s\t%s\t%s\n' "$tx_state" "$tx_to" "$tx_from" "$tx_digest"
  fi
  for revision in "$state"/revisions/[0-9]*; do
    { read -r line <"$revision/meta"; } 2>/dev/null || continue
    [ ! -e "$revision/taken-back" ] || line=$line${tab}taken-back
    printf 'revision\t%s\t%s\n' "${revision##*/}" "$line"
  done
  [ -z "$current" ] || printf 'current\t%s\n' "$current"
  ! read_lock || print_lock
  [ ! -f "$state/reverted" ] || { read -r line <"$state/reverted" && printf 'reverted\t%s\n' "$line"; }
}

# Mode, owner and SHA-256 of the paths on standard input and of those of the current revision, in three processes.
facts_files() {
  set --
  while IFS= read -r path; do set -- "$@" ".$path"; done
  if [ -n "$current" ] && [ -f "$state/revisions/$current/index" ]; then
    while IFS= read -r line; do
      printf 'index\t%s\n' "$line"
      case $line in "f$tab"*) set -- "$@" "./${line#*"$tab"/}" ;; esac
    done <"$state/revisions/$current/index"
  fi
  [ $# -gt 0 ] || return 0
  cd "$root/" || exit 1
  exec 3>&1
  complain "$({ stat -L --printf 'stat\t%f\t%U\t%G\t%u\t%g\t%n\n' -- "$@" >&3; } 2>&1)"
  for path; do
    shift
    if [ -f "$path" ]; then
      set -- "$@" "$path"
    elif [ ! -e "$path" ] && [ -L "$path" ]; then
      printf 'stat\ta1ff\troot\troot\t0\t0\t%s\n' "$path" # a link to nothing
    fi
  done
  [ $# -gt 0 ] || return 0
  # -z: no name is escaped
  complain "$({ sha256sum -z -- "$@" | tr '\0' '\n' >&3; } 2>&1)"
}

# Paths on standard input; those that are files come as a tar.
do_read() {
  set --
  while IFS= read -r path; do
    [ ! -f "$root$path" ] || set -- "$@" ".$path"
  done
  [ $# -gt 0 ] || return 0
  cd "$root/" || exit 1
  tar -c -f - -h --no-recursion -- "$@"
}

# POD LINES; never fails. POD with the node's name: etcd-cp1, default/static-web-cp1
do_logs() {
  is_number "${2:-}" || usage
  if [ "$1" = kubelet ]; then
    ! find_tool journalctl || "$tool" --no-pager -o cat -u kubelet -n "$2" 2>/dev/null
    exit 0
  fi
  case $1 in
    */*) set -- "$2" "$root/var/log/pods/${1%%/*}_${1#*/}_"*/*/*.log ;;
    *) set -- "$2" "$root/var/log/pods/kube-system_$1_"*/*/*.log ;;
  esac
  lines=$1
  shift
  # shellcheck disable=SC2012 # newest first, which no glob does; the names are those of the container runtime
  newest=$(ls -1t -- "$@" 2>/dev/null | head -n 1)
  [ -n "$newest" ] || exit 0
  # one restart earlier as well: a container that crashes has often said nothing yet
  set -- "${newest%/*}"/*.log
  # shellcheck disable=SC2012
  before=$(ls -1t -- "$@" 2>/dev/null | head -n 2 | tail -n 1)
  [ "$before" != "$newest" ] || before=
  cat -- ${before:+"$before"} "$newest" 2>/dev/null | tail -n "$lines"
  exit 0
}

# POD LINES current|previous [CONTAINER]: what each container of the pod has written last, after a line with its name, the
# pod's UID, its number of restarts and the bytes of its log; what came after so many bytes where a line on standard input
# says that of it.
# POD is called as above.
do_container_logs() {
  [ $# -ge 3 ] && is_number "$2" || usage
  after=$nl$(cat)$nl
  case $1 in
    */*) set -- "$2" "$3" "${4:-}" "$root/var/log/pods/${1%%/*}_${1#*/}_"*/*/*.log ;;
    *) set -- "$2" "$3" "${4:-}" "$root/var/log/pods/kube-system_$1_"*/*/*.log ;;
  esac
  lines=$1 which=$2 only=$3
  shift 3
  # shellcheck disable=SC2012
  dir=$(ls -1t -- "$@" 2>/dev/null | head -n 1)
  [ -n "$dir" ] || return 0
  dir=${dir%/*/*}
  for logs in "$dir"/*/; do
    logs=${logs%/}
    container=${logs##*/}
    [ -z "$only" ] || [ "$only" = "$container" ] || continue
    attempts "$logs"
    [ "$which" = current ] || attempts "$logs" "$attempt"
    log=$logs/$attempt.log
    size=$(stat -L -c %s -- "$log" 2>/dev/null) || continue
    set -- "container$tab$container$tab${dir##*_}$tab$attempt$tab"
    printf '%s%s\n' "$1" "$size"
    start=${after#*"$nl$1"}
    if [ "$after" = "$nl$nl" ]; then
      head -c "$size" -- "$log" | tail -n "$lines"
    elif [ "$start" = "$after" ] || [ "${start%%"$nl"*}" -gt "$size" ]; then
      head -c "$size" -- "$log" # it was started anew since, or its log was
    else
      start=${start%%"$nl"*}
      tail -c "+$((start + 1))" -- "$log" | head -c "$((size - start))"
    fi
    printf '\n'
  done
}

# Which pods have run here, by what their containers have written: name (outside of kube-system NAMESPACE/NAME), UID and
# number of restarts of each container.
do_pods() {
  for dir in "$root"/var/log/pods/*_*_*/*/; do
    [ -d "$dir" ] || continue
    dir=${dir%/}
    attempts "$dir"
    container=${dir##*/}
    pod=${dir%/*}
    pod=${pod##*/}
    namespace=${pod%%_*}/
    pod=${pod#*_}
    printf 'pod\t%s\t%s\t%s\t%s\n' "${namespace#kube-system/}${pod%%_*}" "${pod#*_}" "$container" "$attempt"
  done
}

# ---- what runs

# Pods and containers as the container runtime itself has them; where it cannot be asked, what cgroups tell. Of two lines
# `source` the last one counts.
do_runtime() {
  [ $# = 0 ] || usage
  PATH=$PATH:/opt/bin # where /usr cannot be written
  problem=
  if find_program crictl; then
    runtime_endpoint
    exec 3>&1
    printf 'source\tcrictl\npods\n'
    set -- "$tool" --timeout=10s ${endpoint:+--runtime-endpoint="$endpoint"}
    # what it says on standard error is kept, the rest goes on
    if said=$("$@" pods -o json 2>&1 >&3) && printf '\ncontainers\n' && said=$("$@" ps -a -o json 2>&1 >&3); then
      printf '\nend\n'
      return
    fi
    problem=$(one_line "${said##*"$nl"}")
    problem=${problem:-it failed and said nothing}
    printf '\n'
  fi
  runtime_cgroups
  printf 'source\t%s\t%s\n%send\n' "$source" "$problem" "$found"
}

# Where the kubelet finds its container runtime; '' = crictl knows it by itself.
runtime_endpoint() {
  endpoint=
  [ -r "$root/var/lib/kubelet/config.yaml" ] || return 0
  while IFS= read -r line || [ -n "$line" ]; do
    case $line in containerRuntimeEndpoint:*) endpoint=${line#*:} ;; esac
  done <"$root/var/lib/kubelet/config.yaml"
  endpoint=$(printf '%s' "${endpoint%% #*}" | tr -d " \"'\t\r")
}

# The kubelet makes a cgroup for each pod, named after its UID, and the runtime one in it for each container
# (pkg/kubelet/cm/pod_container_manager_linux.go); one of cgroup v1 is there once for each controller.
runtime_cgroups() {
  source=none found=
  uids=' '
  for top in "$root"/sys/fs/cgroup/kubepods "$root"/sys/fs/cgroup/*kubepods.slice "$root"/sys/fs/cgroup/*/kubepods \
    "$root"/sys/fs/cgroup/*/*kubepods.slice "$root"/sys/fs/cgroup/*/*/*kubepods.slice; do
    [ -d "$top" ] || continue
    source=cgroup
    for group in "$top"/pod* "$top"/*-pod* "$top"/*/pod* "$top"/*/*-pod*; do
      [ -d "$group" ] || continue
      uid=${group##*/}
      uid=${uid##*pod}
      uid=$(printf '%s' "${uid%.slice}" | tr _ -)
      case $uids in *" $uid "*) continue ;; esac
      lives "$group" || continue
      uids="$uids$uid "
      runtime_pod "$group"
    done
  done
}

# CGROUP: a process is in it or below it.
lives() {
  if [ -f "$1/cgroup.events" ]; then
    while read -r key value; do
      [ "$key$value" != populated1 ] || return 0
    done <"$1/cgroup.events"
    return 1
  fi
  for file in "$1"/cgroup.procs "$1"/*/cgroup.procs "$1"/*/*/cgroup.procs; do
    [ ! -f "$file" ] || ! read -r _ <"$file" || return 0
  done
  return 1
}

# CGROUP of the pod $uid: adds it and its containers to $found. They are known by their logs: a directory for each pod
# and each container, and a link of the kubelet's that names the container's ID (pkg/kubelet/kuberuntime, legacy.go).
runtime_pod() {
  ids=' '
  for group in "$1"/*/; do
    group=${group%/}
    lives "$group" || continue
    id=${group##*/}
    case $id in crio-conmon-*) continue ;; esac
    id=${id%.scope}
    ids="$ids${id##*-} "
  done
  for dir in "$root"/var/log/pods/*_*_"$uid"/; do
    [ -d "$dir" ] || continue
    dir=${dir%/}
    pod=${dir##*/}
    namespace=${pod%%_*}
    pod=${pod#*_}
    pod=${pod%_*}
    found="${found}pod$tab$namespace$tab$pod$tab$uid$nl"
    for logs in "$dir"/*/; do
      [ -d "$logs" ] || continue
      logs=${logs%/}
      container=${logs##*/}
      attempts "$logs"
      state=unknown id=
      for link in "$root/var/log/containers/${pod}_${namespace}_$container"-*.log; do
        link=${link##*"_$container-"}
        link=${link%.log}
        case $link in *[!0-9a-f]* | '') continue ;; esac
        case $ids in *" $link "*) state=running id=$link && break ;; esac
        state=exited id=$link
      done
      found="${found}container$tab$container$tab$id$tab$state$tab$attempt$nl"
    done
  done
}

# DIRECTORY of a container's logs [BELOW]: sets $attempt, the number of the last one; of the last one before BELOW, which may
# be none.
attempts() {
  attempt=${2:+-1}
  attempt=${attempt:-0}
  for log in "$1"/*.log; do
    log=${log##*/}
    log=${log%.log}
    is_number "$log" && [ "$log" -gt "$attempt" ] && [ "$log" -lt "${2:-1000000000}" ] && attempt=$log
  done
}

# ---- revisions

# DIRECTORY: everything that its index names is there, as the index says; otherwise $bad says what is not.
verify() {
  dir=$1
  set --
  bad='it has no whole index' wanted='' complete=''
  [ -f "$dir/index" ] || return 1
  while IFS=$tab read -r type sha mode owner kind path; do
    case $type in
      f) file=files$path ;;
      s) file=$path ;;
      end) complete=yes; continue ;;
      *) continue ;;
    esac
    set -- "$@" "$file"
    wanted=$wanted$sha'  '$file$nl
  done <"$dir/index"
  [ -n "$complete" ] && [ $# -gt 0 ] || return 1
  found=$(cd "$dir" && sha256sum -z -- "$@" 2>/dev/null | tr '\0' '\n')$nl
  [ "$found" != "$wanted" ] || return 0
  set -f
  IFS=$nl
  for line in $wanted; do
    case $nl$found in *"$nl$line$nl"*) ;; *) bad="${line#*  } is missing, damaged or cannot be read" && break ;; esac
  done
  unset IFS
  set +f
  return 1
}

# DIRECTORY: adds what lies below it to $below, directories to $folders.
walk() {
  folders=$folders$1$nl
  for entry in "$1"/* "$1"/.[!.]* "$1"/..?*; do
    if [ -d "$entry" ] && [ ! -L "$entry" ]; then
      walk "$entry"
    elif [ -f "$entry" ] && [ ! -L "$entry" ]; then
      below=$below$entry$nl
    elif [ -e "$entry" ] || [ -L "$entry" ]; then
      fail "what was sent holds something that is no file: ${entry#"$staging"/}"
    fi
  done
}

# What was unpacked is what the index names, nothing less and nothing more.
check_staged() {
  [ -f "$staging/index" ] && [ ! -L "$staging/index" ] || fail 'what was sent has no index'
  below='' folders=''
  walk "$staging"
  expected=$nl$staging/index$nl
  while IFS=$tab read -r type sha mode owner kind path; do
    case $type in
      f | d)
        case $path in
          "${state#"$root"}" | "${state#"$root"}"/*) refuse "$path: bootstrap keeps its own records there" ;;
          */../* | */.. | */./* | */. | *//* | */) refuse "$path: is not a plain path" ;;
          /*) ;;
          *) refuse "$path: is not an absolute path" ;;
        esac
        [ "$type" != f ] || expected=$expected$staging/files$path$nl ;;
      s) expected=$expected$staging/$path$nl ;;
      end) ;;
      *) fail 'the index that was sent cannot be understood' ;;
    esac
  done <"$staging/index"
  set -f
  IFS=$nl
  for line in $below; do
    case $expected in *"$nl$line$nl"*) ;; *) fail "what was sent holds what its index does not name: ${line#"$staging"/}" ;; esac
  done
  unset IFS
  set +f
  verify "$staging" || fail "what was sent is not whole: $bad"
}

# TOKEN DIGEST BY; a tar on standard input: index, files/<path>, node.sh
do_stage() {
  [ $# = 3 ] || usage
  enter "$1"
  try mktemp -d "$state/revisions/.staging-XXXXXX" || fail "$(trouble 'the files cannot be kept on this node' "$state")"
  staging=$said
  try tar -x -f - -m --no-same-owner --no-same-permissions -C "$staging" ||
    fail "$(trouble 'the files cannot be kept on this node' "$state")"
  check_staged
  look_closely
  highest=0
  for revision in "$state"/revisions/[0-9]*; do
    revision=${revision##*/}
    is_number "$revision" && [ "$revision" -gt "$highest" ] && highest=$revision
  done
  number=$((highest + 1))
  if is_same_revision "$highest" "$2"; then
    number=$highest
  else
    said=$({ printf '%s\t%s\t%s\n' "$2" "$(utc)" "$(one_line "$3")" | cat >"$staging/meta"; } 2>&1) &&
      sync_staged && try mv -T -- "$staging" "$state/revisions/$number" && try sync -- "$state/revisions" ||
      fail "$(trouble 'the files cannot be kept on this node' "$state")"
    staging=
  fi
  printf 'revision\t%s\n' "$number"
}

# NUMBER DIGEST: that revision was never committed and is the same, whole. The script of another version in it (the line
# that begins with s) does not matter: what was begun with one version can be finished with the next.
is_same_revision() {
  [ "$1" != 0 ] && [ "$1" != "$current" ] || return 1
  { IFS=$tab read -r digest line <"$state/revisions/$1/meta"; } 2>/dev/null || return 1
  [ "$digest" = "$2" ] || return 1
  old_index=$(cat -- "$state/revisions/$1/index")
  new_index=$(cat -- "$staging/index")
  [ "${old_index%"$nl"s"$tab"*}" = "${new_index%"$nl"s"$tab"*}" ] || return 1
  verify "$state/revisions/$1"
}

sync_staged() {
  set -f
  IFS=$nl
  # shellcheck disable=SC2086
  set -- $below $folders
  unset IFS
  set +f
  try sync -- "$@" "$staging/meta"
}

# ---- putting a revision in place

# TOKEN: what every command of the admin's side that changes things begins with
enter() {
  [ -r /proc/uptime ] || fail '/proc is not mounted'
  renew "$1"
  hold busy 15
  tidy
  settle
}

# A commit that was interrupted is finished.
settle() {
  look_closely
  [ "$tx_state" != committed ] || finish_commit || fail "$(trouble "revision $tx_to is confirmed, but that cannot be noted" "$state")"
}

hide() { hidden=${1%/*}/.${1##*/}.bootstrap-new; }

# The hidden directory beside a file, in which what is about to replace it has its name already.
nest() {
  nest=${1%/*}/.bootstrap-new
  nested=$nest/${1##*/}
}

# OP KIND MODE OWNER SHA256 PATH: one line of `changes`
change() {
  changes="$changes$1$tab$2$tab$3$tab$4$tab$5$tab$6$nl"
}

# PATH: directories above it that are missing, topmost first
parents() {
  set -- "${1%/*}"
  [ -n "$1" ] || return 0
  case $made in *"$nl$1$nl"*) return 0 ;; esac
  [ ! -d "$root$1" ] || return 0
  if [ -e "$root$1" ] || [ -L "$root$1" ]; then refuse "$1: is not a directory on this node; nothing was changed"; fi
  parents "$1"
  change parent - 755 root:root - "$1"
  made=$made$1$nl
}

# Owner as wanted, by name or number; whoever may not give files away has them all.
is_owner() { [ -n "$all_mine" ] || [ "$1" = "$2" ] || [ "$1" = "$3" ]; }

# N: sets $changes, what has to be done to the node for it to be as revision N says. Uses files in $new. A seed, in
# revisions of earlier versions, is put where nothing is, and from then on the node's own.
compare() {
  index=$state/revisions/$1/index
  all_mine=yes
  ! may_chown || all_mine=
  set --
  while IFS=$tab read -r type sha mode owner kind path; do
    [ "$type" = f ] && [ "$kind" != seed ] || continue
    [ -f "$root$path" ] && [ ! -L "$root$path" ] && set -- "$@" "$root$path"
  done <"$index"
  said=$({
    : >"$new/have"
    if [ $# -gt 0 ]; then
      sha256sum -z -- "$@" >"$new/sums" && tr '\0' '\n' <"$new/sums" | cut -c1-64 >"$new/sha" &&
        stat --printf '%a\t%U:%G\t%u:%g\t%n\n' -- "$@" >"$new/stat" && paste -- "$new/sha" "$new/stat" >"$new/have"
    fi
  } 2>&1) || fail "$(trouble 'the files of this node cannot be compared' "$state"); nothing was changed"
  set --
  while IFS=$tab read -r type sha mode owner kind path; do
    if [ "$type" = d ] && [ -d "$root$path" ]; then set -- "$@" "$root$path"; fi
  done <"$index"
  said=$({
    : >"$new/directories"
    [ $# = 0 ] || stat -L --printf '-\t%a\t%U:%G\t%u:%g\t%n\n' -- "$@" >"$new/directories"
  } 2>&1) || fail "$(trouble 'the directories of this node cannot be compared' "$state"); nothing was changed"

  changes='' made=$nl paths=$nl
  exec 3<"$new/directories" 4<"$new/have"
  next_have 3
  while IFS=$tab read -r type sha mode owner kind path; do
    [ "$type" = d ] || continue
    if [ "$root$path" = "$have_path" ]; then
      if [ "$mode" != "$have_mode" ] || ! is_owner "$owner" "$have_owner" "$have_ids"; then
        change attributes "$have_mode:$have_ids" "$mode" "$owner" - "$path"
      fi
      next_have 3
    elif [ -e "$root$path" ] || [ -L "$root$path" ]; then
      refuse "$path: is not a directory on this node; nothing was changed"
    else
      parents "$path"
      change directory - "$mode" "$owner" - "$path"
      made=$made$path$nl
    fi
  done <"$index"
  next_have 4
  while IFS=$tab read -r type sha mode owner kind path; do
    [ "$type" = f ] || continue
    paths=$paths$path$nl
    target=$root$path
    if [ "$target" = "$have_path" ]; then
      if [ "$sha" != "$have_sha" ] || [ "$mode" != "$have_mode" ] || ! is_owner "$owner" "$have_owner" "$have_ids"; then
        change change "$kind" "$mode" "$owner" "$sha" "$path"
      fi
      next_have 4
    elif [ -d "$target" ]; then
      [ "$kind" = seed ] || refuse "$path: is a directory on this node, where a file belongs; nothing was changed"
    elif [ -e "$target" ] || [ -L "$target" ]; then
      [ "$kind" = seed ] || change change "$kind" "$mode" "$owner" "$sha" "$path"
    else
      parents "$path"
      change new "$kind" "$mode" "$owner" "$sha" "$path"
    fi
  done <"$index"
  exec 3<&- 4<&-
  for which in manifest other; do removals "$which"; done
}

# FD: the next line of what is there; $have_path is empty where there is none left.
next_have() {
  have_path=
  case $1 in
    3) IFS=$tab read -r have_sha have_mode have_owner have_ids have_path <&3 ;;
    4) IFS=$tab read -r have_sha have_mode have_owner have_ids have_path <&4 ;;
  esac
}

# manifest|other: files of the current revision that the new one lacks; pods go before what they read.
removals() {
  [ -n "$current" ] && [ -f "$state/revisions/$current/index" ] || return 0
  while IFS=$tab read -r type sha mode owner kind path; do
    [ "$type" = f ] && [ "$kind" != seed ] || continue
    case $kind in manifest) [ "$1" = manifest ] || continue ;; *) [ "$1" = other ] || continue ;; esac
    case $paths in *"$nl$path$nl"*) continue ;; esac
    if [ -L "$root$path" ] || { [ -e "$root$path" ] && [ ! -d "$root$path" ]; }; then
      change remove "$kind" - - - "$path"
    fi
  done <"$state/revisions/$current/index"
}

# N CONFIRM ACTION: the journal, `preparing`
begin() {
  try mktemp -d "$state/.transaction-XXXXXX" || fail "$(trouble 'the journal cannot be written' "$state"); nothing was changed"
  new=$said
  staging=$new
  compare "$1"
  IFS=$tab read -r digest line <"$state/revisions/$1/meta"
  said=$({
    mkdir -- "$new/undo" && printf '%s' "$changes" | cat >"$new/changes" &&
      printf '%s\t%s\t%s\t%s\t%s\n' "$1" "${current:-0}" "$digest" "$3" "$2" | cat >"$new/meta" &&
      : >"$new/state-preparing" && : >"$new/kubelet-due" && rm -f -- "$new/sums" "$new/sha" "$new/stat" &&
      sync -- "$new/meta" "$new/changes" "$new" && mv -T -- "$new" "$tx"
  } 2>&1) || fail "$(trouble 'the journal cannot be written' "$state"); nothing was changed"
  staging=
  look_closely
  try sync -- "$state" || give_up 'the journal cannot be written'
}

# A hard link takes no room, also later when it is put back, and keeps everything that a file has.
keep_old() {
  k=0
  set --
  while IFS=$tab read -r op kind mode owner sha path; do
    k=$((k + 1))
    case $op in
      change | remove)
        try ln -P -- "$root$path" "$tx/undo/$k" && continue
        try cp -pPT -- "$root$path" "$tx/undo/$k" || return 1
        [ -L "$tx/undo/$k" ] || set -- "$@" "$tx/undo/$k" ;;
    esac
  done <"$tx/changes"
  try sync -- "$@" "$tx/undo"
}

# MODE OWNER DIRECTORY
make_directory() {
  try mkdir -p -- "$3" || return 1
  if may_chown; then try chown -- "$2" "$3" || return 1; fi
  try chmod -- "$1" "$3"
}

# New files, whole and with their rights, hidden beside where they belong. They are born 0600. The nests stay until the
# end, also where they are empty: taking things back must work on a full disk.
make_new() {
  nests=$nl
  set --
  while IFS=$tab read -r op kind mode owner sha path; do
    case $op:$kind in
      parent:* | directory:*)
        [ -d "$root$path" ] || make_directory "$mode" "$owner" "$root$path" || return 1
        continue ;;
      attributes:* | remove:manifest) continue ;;
      *:manifest) hide "$root$path" ;;
      *)
        nest "$root$path"
        hidden=$nested
        case $nests in
          *"$nl$nest$nl"*) ;;
          *)
            spot=${nest%/*}
            [ ! -e "$nest" ] || try rm -rf -- "$nest" || return 1
            try mkdir -- "$nest" || return 1
            nests=$nests$nest$nl ;;
        esac
        [ "$op" != remove ] || continue ;;
    esac
    spot=${root}${path%/*}
    if may_chown; then
      try install -T -m "$mode" -o "${owner%%:*}" -g "${owner#*:}" -- "$from$path" "$hidden" || return 1
    else
      try install -T -m "$mode" -- "$from$path" "$hidden" || return 1
    fi
    set -- "$@" "$hidden"
  done <"$tx/changes"
  [ $# = 0 ] || try sync -- "$@" || return 1
  spot=$state
}

# The names of the files that were changed, and the directories that were made, reach the disk.
sync_places() {
  places=$nl
  while IFS=$tab read -r op kind mode owner sha path; do
    for place in "${path%/*}" "$path"; do
      case $op in parent | directory | attributes) ;; *) [ "$place" != "$path" ] || continue ;; esac
      case $places in *"$nl$place$nl"*) ;; *) places=$places$place$nl ;; esac
    done
  done <"$tx/changes"
  set -f
  IFS=$nl
  # shellcheck disable=SC2086
  set -- $places
  unset IFS
  set +f
  for place; do
    shift
    [ ! -d "$root$place/" ] || set -- "$@" "$root$place/"
  done
  [ $# = 0 ] || try sync -- "$@"
}

# Removes what is hidden.
sweep() {
  swept=
  set --
  while IFS=$tab read -r op kind mode owner sha path; do
    case $op in new | change | remove) ;; *) continue ;; esac
    hide "$root$path"
    nest "$root$path"
    set -- "$@" "$hidden"
    [ "$nest" = "$swept" ] || set -- "$@" "$nest"
    swept=$nest
  done <"$tx/changes"
  [ $# = 0 ] || try rm -rf -- "$@"
}

# Removes the directories that were made and that no revision names, where they are empty.
remove_parents() {
  set --
  while IFS=$tab read -r op kind mode owner sha path; do
    if [ "$op" = parent ]; then set -- "$root$path" "$@"; fi
  done <"$tx/changes"
  for place; do rmdir -- "$place" 2>/dev/null; done
  return 0
}

set_state() { try mv -fT -- "$tx/state-$1" "$tx/state-$2" && try sync -- "$tx" && tx_state=$2; }

# Ends a transaction that has not touched anything yet.
drop() {
  stop_timer
  sweep && remove_parents && trash "$tx" && tx_state=
}

drop_or_fail() { drop || fail "$(trouble "what was prepared for revision $tx_to cannot be removed" "$state")"; }

# FILES of one nest: one process renames them all. A certificate is read and then its key, by etcd at every handshake; so
# nothing lies between their two renames.
move_in() { [ $# = 0 ] || try mv -f -- "$@" "${1%/*/*}/"; }

# Everything at once: files by renames, in the order of the index (manifests are last there), then what goes.
place() {
  [ "$tx_state" != preparing ] || set_state preparing placing || return 1
  while IFS=$tab read -r op kind mode owner sha path; do
    [ "$op" = attributes ] || continue
    make_directory "$mode" "$owner" "$root$path" || return 1
  done <"$tx/changes"
  run=
  set --
  while IFS=$tab read -r op kind mode owner sha path; do
    case $op:$kind in
      remove:* | new:manifest | change:manifest) nest= ;;
      new:* | change:*) nest "$root$path" ;;
      *) continue ;;
    esac
    if [ "$nest" != "$run" ]; then
      move_in "$@" || return 1
      set --
      run=$nest
    fi
    case $op:$kind in
      remove:*) try rm -f -- "$root$path" || return 1 ;;
      *:manifest)
        hide "$root$path"
        try mv -fT -- "$hidden" "$root$path" || return 1 ;;
      *) set -- "$@" "$nested" ;;
    esac
  done <"$tx/changes"
  move_in "$@" && sync_places && set_state placing placed
}

# What is done with the kubelet, in the order of what includes what.
rank() {
  case $1 in none) rank=0 ;; restart) rank=1 ;; reload) rank=2 ;; start) rank=3 ;; *) usage ;; esac
}

act() {
  case $1 in
    none) ;;
    restart) systemd restart kubelet.service ;;
    reload) systemd daemon-reload && systemd restart kubelet.service ;;
    # one that runs already has to start again as well
    start) systemd --no-reload enable kubelet.service && systemd daemon-reload && systemd restart kubelet.service ;;
  esac
}

# The same for what is taken back. At boot the kubelet comes by itself, after this; one that was started is left running.
act_back() {
  case $1${at_boot:+-at-boot} in
    none*) ;;
    restart-at-boot) ;;
    *-at-boot | start) ! find_tool systemctl || systemd daemon-reload ;;
    *) act "$1" ;;
  esac
}

# ---- what runs by itself: the timer and the service at boot

CONFIRM_SERVICE='[Unit]
Description=Takes back the revision of the control plane that nobody has confirmed
RequiresMountsFor=/var/lib/bootstrap /etc/kubernetes
[Service]
Type=oneshot
ExecStart=/bin/sh /var/lib/bootstrap/node.sh expire'

RECOVER_SERVICE='[Unit]
Description=Takes back the revision of the control plane that was being put in place when the node stopped
ConditionPathExists=/var/lib/bootstrap/transaction
RequiresMountsFor=/var/lib/bootstrap /etc/kubernetes
Before=kubelet.service
[Service]
Type=oneshot
ExecStart=/bin/sh /var/lib/bootstrap/node.sh recover
[Install]
WantedBy=multi-user.target'

# FILE TEXT: sets $reload where it was not so already.
unit() {
  [ "$(cat -- "$units/$1" 2>/dev/null)" != "$2" ] || return 0
  reload=yes
  put "$units/$1" "$2" && try chmod 644 -- "$units/$1"
}

# What the node runs by itself is of this revision. One that came with user-data has none (its index has no line `s`): the
# newest that is here does as well.
keep_script() {
  source=$revision/node.sh
  if [ ! -e "$source" ]; then
    [ ! -e "$state/node.sh" ] || return 0
    said='no revision on this node holds node.sh; apply first'
    for source in $(ls -1td -- "$state"/revisions/[0-9]*/node.sh 2>/dev/null) ''; do break; done
    [ -n "$source" ] || return 1
  fi
  try cp -fT -- "$source" "$state/.node.sh.new" && try sync -- "$state/.node.sh.new" &&
    try mv -fT -- "$state/.node.sh.new" "$state/node.sh"
}

# SECONDS: from now on the node takes the revision back by itself after so long; 0 = never.
arm() {
  find_tool systemctl || { [ "$1" = 0 ] && return; said='systemd does not run here'; return 1; }
  reload=
  [ -d "$units" ] || try mkdir -p -- "$units" || return 1
  keep_script &&
    unit bootstrap-confirm.service "$CONFIRM_SERVICE" && unit bootstrap-recover.service "$RECOVER_SERVICE" || return 1
  if [ "$1" != 0 ]; then
    unit bootstrap-confirm.timer "[Unit]
Description=How long a revision of the control plane may stay without being confirmed
[Timer]
OnActiveSec=$1
AccuracySec=1s" || return 1
  fi
  if [ -n "$reload" ]; then
    systemd --no-reload enable bootstrap-recover.service && systemd daemon-reload || return 1
  fi
  [ "$1" != 0 ] || { stop_timer; return 0; }
  set_deadline && systemd restart bootstrap-confirm.timer
}

set_deadline() {
  now
  put "$tx/deadline" "$boot $((uptime + tx_confirm))"
}

stop_timer() {
  ! find_tool systemctl || [ ! -e "$units/bootstrap-confirm.timer" ] || systemd stop bootstrap-confirm.timer
  return 0
}

# TOKEN N CONFIRM_SECONDS none|restart|reload|start, or one of them with -later: the kubelet is not told yet. A kubelet that has
# just started does not wait for old pods to end before it starts those of changed manifests, so that they would run beside
# each other: whoever changes both has the pods replaced first.
do_activate() {
  [ $# = 4 ] && is_number "$2" && is_number "$3" || usage
  action=${4%-later}
  rank "$action"
  enter "$1"
  revision=$state/revisions/$2
  from=$revision/files
  spot=$state # whose file system it is that a failure is about
  [ -d "$revision" ] || refuse "this node has no revision $2"
  case $tx_state in
    preparing) drop_or_fail ;;
    ?*) [ "$tx_to" = "$2" ] ||
      refuse "revision $tx_to was put in place on this node and neither confirmed nor taken back yet" ;;
  esac
  verify "$revision" || fail "revision $2 on this node is not whole: $bad; nothing was changed"
  if [ -z "$tx_state" ]; then
    begin "$2" "$3" "$action"
    keep_old || give_up 'what is there now cannot be saved'
  else
    go_on "$3" "$action" || fail "$(trouble 'the journal cannot be written' "$state")"
  fi
  if [ "$tx_state" != placed ]; then
    make_new || give_up 'the new files cannot be written'
    arm "$tx_confirm" || give_up 'the timer that takes it back cannot be started'
    # what is quick is not interrupted half way
    trap '' HUP INT TERM
    place || give_up 'the new files cannot be put in place'
    trap 'exit 143' HUP INT TERM
  else
    arm "$tx_confirm" || fail "$(trouble 'the timer that takes it back cannot be started' "$state")"
  fi
  make_link || fail "revision $2 is in place, but $(trouble "$(shown "$identity") cannot become a link" "${identity%/*}")"
  if [ "$action" = "$4" ] && [ ! -e "$tx/kubelet-done" ]; then
    [ -e "$tx/kubelet-begun" ] || try mv -T -- "$tx/kubelet-due" "$tx/kubelet-begun" ||
      fail "$(trouble 'the journal cannot be written' "$state")"
    act "$tx_action" || fail "revision $2 is in place, but the kubelet was not told: $said"
    try mv -T -- "$tx/kubelet-begun" "$tx/kubelet-done" || fail "$(trouble 'the journal cannot be written' "$state")"
  fi
  report
}

# The kubelet renews its client certificate only where this is a link, and fails for ever where it is a file (client-go,
# certificate_store.go); earlier versions, and revisions of them, put a file there.
make_link() {
  [ -f "$identity" ] && [ ! -L "$identity" ] || return 0
  kept=${identity%-current.pem}-bootstrap.pem
  hide "$identity"
  try rm -f -- "$kept" "$hidden" || return 1
  try ln -P -- "$identity" "$kept" || try cp -pT -- "$identity" "$kept" || return 1
  try sync -- "$kept" && try ln -sT -- "${kept##*/}" "$hidden" && try sync -- "${identity%/*}" &&
    try mv -fT -- "$hidden" "$identity" && try sync -- "${identity%/*}"
}

# CONFIRM ACTION: the same again after an interruption. What the kubelet had to be told then is not forgotten: the files
# are new by now, so whoever looks at them no longer sees a reason.
go_on() {
  rank "$tx_action"
  asked=$rank
  rank "$2"
  if [ "$rank" -gt "$asked" ]; then
    tx_action=$2
    [ ! -e "$tx/kubelet-done" ] || try mv -T -- "$tx/kubelet-done" "$tx/kubelet-due" || return 1
  fi
  tx_confirm=$1
  put "$tx/meta" "$tx_to$tab$tx_from$tab$tx_digest$tab$tx_action$tab$tx_confirm"
}

report() {
  while IFS=$tab read -r op kind mode owner sha path; do
    case $op in
      new | change) printf 'placed\t%s\n' "$path" ;;
      remove) printf 'removed\t%s\n' "$path" ;;
    esac
  done <"$tx/changes"
}

# WHAT: ends an activation that failed, with everything as it was.
give_up() {
  text=$(trouble "$1" "$spot")
  if [ "$tx_state" = preparing ] && [ -e "$tx/state-preparing" ]; then
    drop || fail "$text; nothing was changed, but what was prepared could not be removed: $said"
    fail "$text; nothing was changed"
  fi
  tx_state=placing
  take_back "$text" || fail "$text; and it could not be taken back: $said"
  fail "$text; revision $tx_to was taken back"
}

# K PATH: still or again the very same file. There is nothing to rename then: that would change nothing.
is_back() {
  inode=$(stat -c %d:%i -- "$tx/undo/$1") && [ "$inode" = "$(stat -c %d:%i -- "$root$2" 2>/dev/null)" ]
}

# K HIDDEN
take_out() {
  try rm -f -- "$2" || return 1
  try ln -P -- "$tx/undo/$1" "$2" || try cp -pPT -- "$tx/undo/$1" "$2" || return 1
  [ -L "$2" ] || try sync -- "$2"
}

# The kubelet starts with what it had before, and with the pods that it has now.
untell() {
  act_back "$tx_action" || untold=$said
  sleep "$TAKEOVER"
}

# What was changed or removed, manifests last.
restore_all() {
  k=0 run=
  set --
  while IFS=$tab read -r op kind mode owner sha path; do
    k=$((k + 1))
    case $op:$kind in
      change:manifest | remove:manifest) continue ;;
      change:* | remove:*) nest "$root$path" ;;
      *) continue ;;
    esac
    if [ "$nest" != "$run" ]; then
      move_in "$@" || return 1
      set --
      run=$nest
    fi
    [ -d "$nest" ] || try mkdir -- "$nest" || return 1 # an earlier version began it
    is_back "$k" "$path" && continue
    take_out "$k" "$nested" || return 1
    set -- "$@" "$nested"
  done <"$tx/changes"
  move_in "$@" || return 1
  [ -z "$between" ] || untell
  k=0
  while IFS=$tab read -r op kind mode owner sha path; do
    k=$((k + 1))
    case $op:$kind in change:manifest | remove:manifest) hide "$root$path" ;; *) continue ;; esac
    is_back "$k" "$path" && continue
    take_out "$k" "$hidden" && try mv -fT -- "$hidden" "$root$path" || return 1
  done <"$tx/changes"
}

# WHY: everything is again as it was before the revision; the same order as forwards, manifests after what they read.
# What is killed in here leaves `placing`, and can be repeated.
take_back() {
  trap '' HUP INT TERM
  [ ! -e "$tx/state-placed" ] || set_state placed placing || return 1
  while IFS=$tab read -r op kind mode owner sha path; do
    [ "$op" = attributes ] || continue
    try chmod -- "${kind%%:*}" "$root$path" || return 1
    if may_chown; then try chown -- "${kind#*:}" "$root$path" || return 1; fi
  done <"$tx/changes"
  untold='' between=''
  if [ ! -e "$tx/kubelet-due" ] && [ -z "$at_boot" ]; then
    # it takes over the pods that run before theirs are replaced: those it does not know it would leave running beside
    case $tx_action in
      restart | reload) while IFS=$tab read -r op kind mode; do [ "$kind" != manifest ] || between=1; done <"$tx/changes" ;;
    esac
  fi
  restore_all || return 1
  for which in manifest other; do
    while IFS=$tab read -r op kind mode owner sha path; do
      [ "$op" = new ] || continue
      case $kind in manifest) [ "$which" = manifest ] || continue ;; *) [ "$which" = other ] || continue ;; esac
      try rm -f -- "$root$path" || return 1
    done <"$tx/changes"
  done
  sweep && remove_parents && sync_places || return 1
  if [ -z "$between" ] && { [ ! -e "$tx/kubelet-due" ] || [ -n "$at_boot" ]; }; then act_back "$tx_action" || untold=$said; fi
  put "$state/reverted" "$tx_to$tab$(utc)$tab$(one_line "$1")" # where there is no room for it, it is not said
  { : >"$state/revisions/$tx_to/taken-back"; } 2>/dev/null || : # the same
  stop_timer
  trash "$tx" || return 1
  try sync -- "$state"
  trap 'exit 143' HUP INT TERM
  [ -z "$untold" ] || say "the files are as they were, but the kubelet was not told: $untold"
  tx_state=
}

# Sets $reverted where the node has taken that revision back.
was_reverted() {
  reverted=
  { IFS=$tab read -r number at reverted <"$state/reverted"; } 2>/dev/null
  [ -n "$reverted" ] && [ "$number" = "$1" ]
}

# TOKEN N
do_commit() {
  [ $# = 2 ] && is_number "$2" || usage
  enter "$1"
  if [ -z "$tx_state" ]; then
    look
    [ "$current" != "$2" ] || return 0
    ! was_reverted "$2" || refuse "revision $2 was taken back at $at: $reverted"
    refuse "revision $2 was not put in place on this node"
  fi
  [ "$tx_to" = "$2" ] || refuse "revision $tx_to was put in place on this node, not $2"
  [ "$tx_state" = placed ] || refuse "revision $2 is not wholly in place on this node; put it in place again"
  [ -e "$tx/kubelet-done" ] || refuse "the kubelet was not told of revision $2; put it in place again"
  # from here on it is committed, whatever happens: what follows can be done by anybody later
  set_state placed committed || fail "$(trouble "revision $2 cannot be confirmed" "$state")"
  finish_commit || say "$(trouble "revision $2 is confirmed, but that cannot be noted yet" "$state")"
}

finish_commit() {
  put "$state/current" "$tx_to" && put "$state/last-known-good" "$tx_to" || return 1
  sweep || return 1
  stop_timer
  rm -f -- "$state/reverted" "$state/revisions/$tx_to/taken-back"
  prune "$tx_to"
  trash "$tx" || return 1
  try sync -- "$state"
  current=$tx_to tx_state=
}

# CURRENT: keeps the newest revisions, and this one in any case.
prune() {
  kept=0
  for revision in $(for n in "$state"/revisions/[0-9]*; do printf '%s\n' "${n##*/}"; done | sort -rn); do
    is_number "$revision" || continue
    kept=$((kept + 1))
    [ "$kept" -le "$KEEP" ] || [ "$revision" = "$1" ] || trash "$state/revisions/$revision"
  done
}

# TOKEN WHY
do_revert() {
  [ $# = 2 ] || usage
  enter "$1"
  case $tx_state in
    '') ;;
    preparing) drop_or_fail ;;
    *) take_back "$2" || fail "$(trouble "revision $tx_to cannot be taken back" "$state")" ;;
  esac
}

# The certificates among what the kubelet has got by itself; the key below them is never printed.
do_kubelet_identity() {
  [ $# = 0 ] || usage
  [ -e "$identity" ] || return 0
  [ -f "$identity" ] && [ -r "$identity" ] || fail "$(shown "$identity"): is no file, or permission denied"
  block=
  while IFS= read -r line || [ -n "$line" ]; do
    case $line in
      '-----BEGIN CERTIFICATE-----') block=$line ;;
      '-----BEGIN '*) block= ;;
      '-----END CERTIFICATE-----') [ -z "$block" ] || printf '%s\n' "$block$nl$line"; block= ;;
      *) [ -z "$block" ] || block=$block$nl$line ;;
    esac
  done <"$identity"
}

# TOKEN: the kubelet gives up what it has got by itself and takes what was delivered. Also before a revision is confirmed:
# with a certificate that has ended nothing can be proven. `kubelet-client-updated.pem` stays, which the kubelet makes its
# current one where a kill of its own has left it behind; the same again takes that away.
do_renew_kubelet() {
  [ $# = 1 ] || usage
  enter "$1"
  [ "$tx_state" != placing ] || refuse "revision $tx_to is not wholly in place on this node; put it in place again"
  for file in kubelet.conf pki/kubelet/client.crt pki/kubelet/client.key; do
    [ -f "$root/etc/kubernetes/$file" ] ||
      refuse "/etc/kubernetes/$file is not there: the kubelet would be left without a certificate; apply first"
  done
  text=$(cat -- "$root/etc/kubernetes/kubelet.conf") || fail '/etc/kubernetes/kubelet.conf cannot be read'
  case $text in
    *"${identity##*/}"*) refuse "/etc/kubernetes/kubelet.conf names $(shown "$identity") itself; apply first" ;;
  esac
  if [ -d "${identity%/*}" ]; then
    try rm -f -- "$identity" && try sync -- "${identity%/*}" ||
      fail "$(trouble "$(shown "$identity") cannot be removed" "${identity%/*}")"
  fi
  act restart || fail "$(shown "$identity") is removed, but the kubelet was not told: $said"
}

# The timer: nobody has confirmed in time. An admin's command that runs just now is waited for, however long it takes.
do_expire() {
  [ -d "$tx" ] || return 0
  hold busy 1000000
  tidy
  settle
  case $tx_state in
    '') ;;
    preparing) drop_or_fail ;;
    *)
      [ "$tx_confirm" != 0 ] || return 0
      deadline_boot='' deadline=''
      { read -r deadline_boot deadline <"$tx/deadline"; } 2>/dev/null
      now
      # the time was prolonged while this waited
      if [ "$deadline_boot" = "$boot" ] && is_number "$deadline" && [ "$uptime" -lt "$deadline" ]; then return 0; fi
      take_back "nobody confirmed it within $tx_confirm seconds" ||
        fail "$(trouble "revision $tx_to cannot be taken back" "$state")" ;;
  esac
}

# At boot, before the kubelet.
do_recover() {
  [ -d "$tx" ] || return 0
  at_boot=yes
  hold busy 60
  tidy
  settle
  case $tx_state in
    preparing) drop_or_fail ;;
    placing) take_back 'the node stopped while it was being put in place' ||
      fail "$(trouble "revision $tx_to cannot be taken back" "$state")" ;;
    placed)
      [ "$tx_confirm" != 0 ] || return 0
      set_deadline
      systemd start --no-block bootstrap-confirm.timer || fail "the timer cannot be started: $said" ;;
  esac
}

main() {
  verb=${1:-}
  [ $# = 0 ] || shift
  trap leave EXIT
  trap 'exit 143' HUP INT TERM
  case $verb in
    facts | read | logs | container-logs | kubelet | kubelet-identity | pods | runtime) ;;
    *) whoami_here ;;
  esac
  case $verb in
    facts) do_facts "$@" ;;
    read) do_read "$@" ;;
    logs) do_logs "$@" ;;
    container-logs) do_container_logs "$@" ;;
    kubelet) facts_kubelet ;;
    kubelet-identity) do_kubelet_identity "$@" ;;
    pods) do_pods ;;
    runtime) do_runtime "$@" ;;
    lock) do_lock "$@" ;;
    keep) do_keep "$@" ;;
    unlock) do_unlock "$@" ;;
    stage) do_stage "$@" ;;
    activate) do_activate "$@" ;;
    commit) do_commit "$@" ;;
    revert) do_revert "$@" ;;
    renew-kubelet) do_renew_kubelet "$@" ;;
    expire) do_expire ;;
    recover) do_recover ;;
    *) usage ;;
  esac
  exit 0
}

main "$@"
