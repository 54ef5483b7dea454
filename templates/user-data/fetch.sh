# Part of install.sh where the user-data holds no secrets: brings the payload to $here, or leaves the machine as it was.
# Needs curl and openssl besides. In /etc/bootstrap lie as well:
#   fetch        for curl -K: from where
#   key          for openssl: what it is encrypted with
# and `encrypted`, the SHA-256 of what is fetched, is among the settings.
# shellcheck shell=sh disable=SC2154

what='the payload cannot be fetched'
tries=${BOOTSTRAP_FETCH_TRIES:-120}
# The network may come up later than this, and the payload may not have been uploaded yet.
until said=$(curl -fsSL --connect-timeout 10 --max-time 300 -K "$here/fetch" -o encrypted 2>&1); do
  tries=$((tries - 1))
  [ $tries -gt 0 ] || untouched "$what: $said"
  [ "${told:-}" ] || say "$what yet: $said; it is tried for 10 minutes"
  told=1
  sleep "${BOOTSTRAP_FETCH_PAUSE:-5}"
done
has_sum encrypted "$encrypted" || untouched "what was fetched has the SHA-256 ${sum%% *}, not $encrypted"
openssl enc -d -aes-256-cbc -pbkdf2 -md sha256 -pass "file:$here/key" -in encrypted -out payload ||
  untouched 'what was fetched cannot be decrypted with the key of this user-data'
rm encrypted
mv -f payload "$here/payload"
