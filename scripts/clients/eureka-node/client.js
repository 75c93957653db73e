// Runs the unmodified eureka-js-client. Its arguments are the server's URL, the VIP address that
// it asks for, "full" or "delta", and the application, the host and the SET of the instance that
// it registers. Until its standard input ends it prints states as JSON, one a line: the hosts that
// it has.
'use strict';

const { Eureka } = require('eureka-js-client');

const [server, vip, mode, app, host, set] = process.argv.slice(2);
const url = new URL(server);
const quiet = { debug() {}, info() {}, warn() {}, error: (...all) => console.error(...all), level() {} };

// The client's defaults, but for the periods: a test does not wait for 30 seconds.
const client = new Eureka({
  logger: quiet,
  shouldUseDelta: mode === 'delta',
  instance: {
    instanceId: `${host}:${app}:80`,
    app,
    hostName: host,
    ipAddr: host,
    port: { $: 80, '@enabled': true },
    vipAddress: app,
    dataCenterInfo: { '@class': 'com.netflix.appinfo.InstanceInfo$DefaultDataCenterInfo', name: 'MyOwn' },
    leaseInfo: { renewalIntervalInSecs: 5, durationInSecs: 15 },
    metadata: { 'internal-set-name': set },
  },
  eureka: {
    host: url.hostname,
    port: url.port,
    servicePath: url.pathname + '/apps/',
    registryFetchInterval: 1000,
    heartbeatInterval: 5000,
  },
});

process.stdin.resume();
process.stdin.on('end', () => process.exit(0));
client.start();
setInterval(() => {
  const hosts = client.getInstancesByVipAddress(vip).map((i) => i.ipAddr).sort();
  console.log(JSON.stringify({ hosts }));
}, 50);
