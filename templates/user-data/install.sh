#!/bin/sh
# Makes this machine what its user-data says: run once, at first boot; at the next boot again only where it was interrupted
# or has failed. POSIX shell, coreutils, gzip, systemd. Comments do not travel, for the limits of user-data are narrow.
#
# /etc/bootstrap, 0700, is brought by the user-data and removed in the end:
#   install.sh   this
#   settings     name='value' lines: node (host name, '' = any), secrets (inline, none, fetch), digest (of the bundle), etcd
#                (data directory, '' where there is none), sha256 (of what is in the payload), by
#   payload      see src/deliver/user-data/payload.ts
#   fetch.sh     instead of the payload where that is fetched
# shellcheck disable=SC2154 # settings
set -eu
umask 077
export LC_ALL=C PATH="${PATH:+$PATH:}/usr/sbin:/usr/bin:/sbin:/bin"

root=${BOOTSTRAP_NODE_ROOT:-}
here=$root/etc/bootstrap
state=$root/var/lib/bootstrap
work=$state/revisions/.staging-user-data
again=$root/var/lib/cloud/scripts/per-boot/bootstrap
tab=$(printf '\t')
what='it cannot begin'

# Also on the console: it may be all that can be seen of a machine that does not come up.
say() {
  echo "bootstrap: $*" >&2
  [ "$root" ] || { echo "bootstrap: $*" >/dev/console; } 2>/dev/null || :
}

fail() {
  what=
  say "$*"
  exit 1
}

untouched() { fail "$*; nothing was changed"; }

# shellcheck disable=SC2317 # a trap calls it
ended() {
  status=$?
  unlock || :
  [ "$status" = 0 ] || [ ! "$what" ] || say "$what; the next boot tries again, or \`sh $here/install.sh\`"
  exit "$status"
}
trap ended EXIT
trap 'what=interrupted; exit 143' HUP INT TERM

# A test's root has its own systemctl or none, never that of the machine.
systemd() {
  if [ ! "$root" ]; then
    systemctl "$@"
  elif [ -x "$root/usr/bin/systemctl" ]; then
    "$root/usr/bin/systemctl" "$@"
  fi
}

# Since the boot: the clock may be set meanwhile.
seconds() { cut -d. -f1 /proc/uptime; }

# The lock of node.sh.
is_ours() { grep -q ^user-data "$state/lock" 2>/dev/null; }
unlock() { ! is_ours || rm -f "$state/lock"; }

# Waits for whoever else changes this machine: an `apply` may be quicker than its user-data.
wait_for_others() {
  told=
  while [ -f "$state/lock" ] && IFS=$tab read -r token since of end who <"$state/lock" &&
    [ "$token" != user-data ] && [ "$of" = "$boot" ] && [ "$end" -gt "$(seconds)" ]; do
    [ "$told" ] || say "waiting for ${who#*"$tab"}, since $since"
    told=1
    sleep 2
  done
}

# By a rename, and looked at again: of two at once, the last one has it.
lock() {
  wait_for_others
  printf 'user-data\t%s\t%s\t%s\t300\tits user-data\n' "$(date -u +%Y-%m-%dT%H:%M:%SZ)" "$boot" \
    $(($(seconds) + 300)) >"$state/.lock.user-data"
  mv -fT "$state/.lock.user-data" "$state/lock"
  is_ours || lock
}

has_sum() {
  sum=$(sha256sum <"$1")
  [ "${sum%% *}" = "$2" ]
}

take() { [ "$1" = 0 ] || dd bs="$1" count=1 iflag=fullblock status=none; }

pem() {
  echo "-----BEGIN $1-----"
  base64 -w 64
  echo "-----END $1-----"
}

# Takes the payload apart: list, files/<path>, and the index of the revision.
unpack() {
  what='the payload cannot be unpacked, nothing was changed'
  gzip -dc "$here/payload" >all
  sed '/^end$/q' all >list
  tail -c +$(($(wc -c <list) + 1)) all | {
    while IFS=$tab read -r op one two three path <&3; do
      case $op in
        f)
          out=files$path
          mkdir -p "${out%/*}"
          : >"$out" ;;
        text) take "$one" >>"$out" ;;
        pem) take "$one" | pem "$two" >>"$out" ;;
        data) take "$one" | pem "$two" | base64 -w 0 >>"$out" ;;
      esac
      : "$three"
    done
  } 3<list
  cp list all
  while IFS=$tab read -r op mode owner kind path; do
    case $op in
      d) printf 'd\t-\t%s\t%s\t-\t%s\n' "$mode" "$owner" "$kind" ;;
      f)
        cat "files$path" >>all
        sum=$(sha256sum <"files$path")
        printf 'f\t%s\t%s\t%s\t%s\t%s\n' "${sum%% *}" "$mode" "$owner" "$kind" "$path" ;;
      *) [ "$op" != end ] || echo end ;;
    esac
  done <list >index
  has_sum all "$sha256" || untouched 'the payload is damaged'
  rm all
}

# In the order of the list: certificates and configuration first, manifests last. Whole and with its rights before a file
# has its name, so that neither the kubelet nor anybody else ever sees less.
place() {
  what='not all files could be put in place'
  while IFS=$tab read -r op mode owner kind path; do
    [ "$op" != d ] || path=$kind
    case $op in d | f) ;; *) continue ;; esac
    at=$root$path
    (umask 022 && mkdir -p "${at%/*}")
    if [ "$op" = d ]; then
      [ -d "$at" ] || mkdir "$at"
    else
      new=${at%/*}/.${at##*/}.bootstrap-new
      cp "files$path" "$new"
      at=$new
    fi
    [ "$root" ] || chown "$owner" "$at"
    chmod "$mode" "$at"
    [ "$op" = d ] && continue
    sync "$at"
    mv -fT "$at" "$root$path"
  done <list
  sync
}

# From here on plan, apply and rollback know what this machine has.
record() {
  what='the revision cannot be recorded'
  printf '%s\t%s\t%s\n' "$digest" "$(date -u +%Y-%m-%dT%H:%M:%SZ)" "$by" >meta
  rm -rf list "$state/revisions/1"
  mv -T "$work" "$state/revisions/1"
  for name in last-known-good current; do
    echo 1 >"$state/.$name.new"
    sync
    mv -fT "$state/.$name.new" "$state/$name"
  done
  sync
}

# What is secret first, and last what would come back to the rest.
finish() {
  what="$here cannot be removed"
  unlock
  rm -rf "$work" "$here/payload" "$here/key" "$here" "$again"
}

[ -f "$here/settings" ] || {
  finish
  exit 0
}
# shellcheck source=/dev/null
. "$here/settings"
[ ! "$node" ] || [ "$root" ] || [ "$(uname -n)" = "$node" ] ||
  untouched "this user-data is for $node, not for a machine with the host name $(uname -n)"
read -r boot </proc/sys/kernel/random/boot_id
# cloud-init does nothing twice, so an interruption is its business at every boot until this is removed
[ ! -d "${again%/*}" ] || ln -sf "$here/install.sh" "$again"
wait_for_others
if [ ! -f "$state/current" ]; then
  # not what a kubelet of the image has begun at a boot between
  [ -f "$here/begun" ] || [ ! -d "$root$etcd/member" ] ||
    untouched "$etcd holds an etcd member's data already: run \`bootstrap apply\`"
  : >"$here/begun"
  # shellcheck source=/dev/null
  [ "$secrets" != fetch ] || . "$here/fetch.sh"
fi
mkdir -p "$state/revisions"
chmod 700 "$state"
lock
if [ -f "$state/current" ]; then
  read -r number <"$state/current"
  IFS=$tab read -r found at who <"$state/revisions/$number/meta"
  [ "$found" = "$digest" ] || {
    finish
    untouched "this machine has revision $number already, of $at by $who"
  }
else
  [ ! -d "$state/transaction" ] || untouched "what \`bootstrap apply\` has begun here is not confirmed yet"
  case $(systemd show -p LoadState kubelet.service) in
    *not-found) gzip -dc "$here/payload" | grep -aq '/system/kubelet.service$' ||
      untouched 'there is no kubelet.service: the image has to bring the kubelet' ;;
    *) systemd stop kubelet.service ;;
  esac
  rm -rf "$work"
  mkdir "$work"
  cd "$work"
  unpack
  place
  if [ "$secrets" = none ]; then
    systemd disable kubelet.service
    finish
    say "the kubelet waits for the secrets: run \`bootstrap apply\`"
    exit 0
  fi
  record
fi
what='the kubelet cannot be started'
[ "$root" ] || restorecon -RF /etc/kubernetes /var/lib/kubelet "$state" 2>/dev/null || : # where there is SELinux
systemd daemon-reload
systemd enable kubelet.service
# what it is ordered after may wait for this script to end (cloud-final.service has no time limit)
systemd restart --no-block kubelet.service
finish
say 'all is in place, and the kubelet starts'
exit 0
