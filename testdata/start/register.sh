# register.sh SERVICE HOST... registers an instance of a service in the namespace default at each
# host, port 8000, as any client can. With GONE=1 it takes them out again.
service=$1; shift
call=RegisterInstance; [ -z "$GONE" ] || call=DeregisterInstance
for host; do
  curl -s -o /dev/null "http://${POLARIS_HTTP:-127.0.0.1:8090}/v1/$call" -H 'Content-Type: application/json' \
    -d '{"namespace": "default", "service": "'"$service"'", "host": "'"$host"'", "port": 8000}'
done
