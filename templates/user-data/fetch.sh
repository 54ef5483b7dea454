# Part of install.sh where the user-data holds no secrets: brings the payload to $here, or leaves the machine as it was.
# Needs curl and openssl besides. In /etc/bootstrap lie as well:
#   fetch        for curl -K: from where (in no argument, for it may be a signature that lets others in)
#   key          for openssl: what it is encrypted with
# and `encrypted`, the SHA-256 of what is fetched, is among the settings. Nothing is written anywhere else.
# BOOTSTRAP_FETCH_FOR, _STALL, _PAUSE: seconds, for tests.
# shellcheck shell=sh disable=SC2154

for tool in curl openssl; do
  command -v $tool >/dev/null || untouched "there is no $tool: the image has to bring it"
done

file=$here/encrypted
what="the payload cannot be fetched from $(sed 's,^[^/]*//\([^/?"]*\).*,\1,' "$here/fetch")"

# curl takes what was cut off for whole where a server has not said how long it is, and so does it with a portal's page.
fetched() {
  [ ! -f "$file" ] || ! has_sum "$file" "$encrypted" || return 0
  rm -f "$file"
  left=$((end - $(seconds)))
  [ $left -gt 0 ] || left=1
  curl -gfsSL --connect-timeout 10 -Y 1 -y "${BOOTSTRAP_FETCH_STALL:-20}" -m $left \
    -K "$here/fetch" -o "$file" 2>"$here/said" && code=0 || code=$?
  why=$(grep -m 1 '^curl: ' "$here/said") || why="curl ended with status $code"
  case $code$why in
    0*)
      [ -f "$file" ] || : >"$file"
      ! has_sum "$file" "$encrypted" || return 0
      why="what came has the SHA-256 ${sum%% *}, not $encrypted" ;;
    22*\ 40[034]*) why="$why; has it been uploaded, and has its address not expired?" ;;
    60* | 77*) why="$why; is that CA known here, and is the clock right ($(date -u +%Y-%m-%dT%H:%M:%SZ))?" ;;
  esac
  return 1
}

# The network may come up later than this, the clock be set later, and the payload be uploaded later; S3 says 403 until then.
end=$(($(seconds) + ${BOOTSTRAP_FETCH_FOR:-600}))
told=
until fetched; do
  [ "$(seconds)" -lt $end ] || untouched "$what: $why; the next boot tries again, or \`sh $here/install.sh\`"
  [ "$code" = "$told" ] || say "$what yet: $why; it is tried for $((end - $(seconds))) seconds more"
  told=$code
  sleep "${BOOTSTRAP_FETCH_PAUSE:-5}"
done

what='the payload cannot be decrypted'
# The padding alone takes 1 of 256 wrong keys for the right one.
if ! {
  openssl enc -d -aes-256-cbc -pbkdf2 -md sha256 -pass "file:$here/key" -in "$file" -out "$here/payload" &&
    gzip -t <"$here/payload"
} 2>"$here/said"; then
  rm -f "$here/payload"
  untouched "what was fetched cannot be decrypted with the key of this user-data: $(grep -m 1 . "$here/said")"
fi
