// Runs the unmodified Nacos SDK for Node, npm nacos, as one client for each address of a
// server in its arguments. The first argument is a folder, in which the SDK writes
// nothing. The commands and what is printed are those of scripts/clients/nacos.
'use strict';

const readline = require('readline');
const { NacosNamingClient } = require('nacos');

// Standard output is for news only.
const logger = new console.Console(process.stderr, process.stderr);
for (const level of ['info', 'debug', 'log']) {
  logger[level] = () => {};
}

function print(client, kind, service, hosts, error) {
  const news = { client, at: Date.now(), kind, service, hosts: hosts.map(h => h.ip).sort() };
  if (error) news.error = String(error);
  process.stdout.write(JSON.stringify(news) + '\n');
}

function split(name) {
  const at = name.indexOf('@@');
  return at < 0 ? ['DEFAULT_GROUP', name] : [name.slice(0, at), name.slice(at + 2)];
}

async function run(number, sdk, words) {
  const [group, service] = split(words[1]);
  switch (words[0]) {
    case 'subscribe':
      sdk.subscribe({ serviceName: service, groupName: group, clusters: words[2] }, hosts => print(number, 'pushed', words[1], hosts));
      return [];
    case 'query':
      return await sdk.getAllInstances(service, group, words[2], false);
    case 'register':
      await sdk.registerInstance(service, { ip: words[2], port: Number(words[3]), metadata: { 'internal-set-name': words[4] } }, group);
      return [];
    case 'deregister':
      await sdk.deregisterInstance(service, { ip: words[2], port: Number(words[3]) }, group);
      return [];
    default:
      throw new Error('no command ' + words[0]);
  }
}

const clients = process.argv.slice(3).map((server, number) => {
  const sdk = new NacosNamingClient({ logger, serverList: server, namespace: 'public' });
  sdk.on('error', err => logger.error(String(err)));
  let last = sdk.ready().then(() => print(number, 'ready', '', []));
  return words => {
    last = last.then(() => run(number, sdk, words)).then(
      hosts => print(number, words[0], words[1], hosts || []),
      err => print(number, words[0], words[1], [], err));
  };
});

readline.createInterface({ input: process.stdin })
  .on('line', line => clients.forEach(follow => follow(line.trim().split(/\s+/))))
  .on('close', () => process.exit(0));
