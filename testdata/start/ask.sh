# ask.sh CALLER SERVICE prints the hosts that a client with the address CALLER gets of a service
# in the namespace default. CALLER is an address of this machine: any of 127.0.0.0/8.
server=${POLARIS_HTTP:-127.0.0.1:8090}
answer=$(curl -s --interface "$1" "http://$server/v1/Discover" -H 'Content-Type: application/json' \
  -d '{"type": "INSTANCE", "service": {"namespace": "default", "name": "'"$2"'"}}') ||
  { echo "no answer from $server" >&2; exit 1; }
echo "$answer" | grep -o '"host": *"[^"]*"' | cut -d '"' -f 4 | sort | grep . ||
  { echo "an empty list: $(echo "$answer" | grep -o '"info": *"[^"]*"')" >&2; exit 1; }
