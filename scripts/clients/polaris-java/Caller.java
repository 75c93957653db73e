import com.tencent.polaris.api.core.ConsumerAPI;
import com.tencent.polaris.api.pojo.Instance;
import com.tencent.polaris.api.pojo.ServiceChangeEvent;
import com.tencent.polaris.api.rpc.GetAllInstancesRequest;
import com.tencent.polaris.api.rpc.GetOneInstanceRequest;
import com.tencent.polaris.api.rpc.InstancesResponse;
import com.tencent.polaris.api.rpc.WatchServiceRequest;
import com.tencent.polaris.client.api.SDKContext;
import com.tencent.polaris.factory.ConfigAPIFactory;
import com.tencent.polaris.factory.api.DiscoveryAPIFactory;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.net.DatagramSocket;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Collections;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ThreadLocalRandom;
import java.util.stream.Collectors;

/** Caller is one SDK context. Its methods answer commands of Consumer. */
class Caller {
    private static final List<DatagramSocket> CLAIMS = Collections.synchronizedList(new ArrayList<>()); // of ports, until the end

    private final SDKContext context;
    private final ConsumerAPI api;
    private final Map<String, List<ServiceChangeEvent>> watches = new HashMap<>(); // by service

    Caller(Consumer.Command command) throws IOException {
        byte[] config = config(command).getBytes(StandardCharsets.UTF_8);
        context = SDKContext.initContextByConfig(ConfigAPIFactory.loadConfig(new ByteArrayInputStream(config)));
        api = DiscoveryAPIFactory.createConsumerAPIByContext(context);
    }

    /** config returns the SDK's defaults, but for what differs between several on one host, and what the command says. */
    private static String config(Consumer.Command c) {
        String servers = c.servers.stream().map(s -> "'" + s + "'").collect(Collectors.joining(", "));
        String connector = "{id: polaris, protocol: grpc, addresses: [" + servers + "]}";
        String text = "global:\n"
                + "  admin: {port: " + freePort() + "}\n" // 2.x
                + "  statReporter: {plugin: {prometheus: {port: " + freePort() + "}}}\n" // 1.x
                + (c.zeroProtection ? "  serverConnectors: [" + connector + "]\n" : "  serverConnector: " + connector + "\n")
                + (c.location == null ? "" : "  location: {providers: [{type: local, options: {region: " + c.location.get(0)
                        + ", zone: " + c.location.get(1) + ", campus: " + c.location.get(2) + "}}]}\n")
                + (c.bindIP == null ? "" : "  api: {bindIP: " + c.bindIP + "}\n")
                + "consumer:\n"
                + "  localCache: {persistDir: '" + c.dir + "'}\n";
        if (c.zeroProtection) {
            text += "  zeroProtection: {enable: true}\n";
        }
        if (c.routers != null) {
            text += "  serviceRouter: {chain: [" + String.join(", ", c.routers) + "]}\n";
        }
        return text;
    }

    /**
     * freePort returns a port that stays this process's: while its UDP port is bound, no other client and no test takes the port, as
     * internal/test/polaristest has it. The port is below those that outgoing connections get, one of which could take it.
     */
    private static int freePort() {
        while (true) {
            int port = ThreadLocalRandom.current().nextInt(15000, 29000);
            try {
                CLAIMS.add(new DatagramSocket(new InetSocketAddress("127.0.0.1", port)));
                new ServerSocket(port).close();
                return port;
            } catch (IOException taken) {
                continue; // a claim of a port that is taken stays: nobody can use the port
            }
        }
    }

    /** get answers the list of a service, how often each instance came up in choices of one, and the fastest choice in milliseconds. */
    Map<String, Object> get(Consumer.Command c) {
        Map<String, Object> answer = new LinkedHashMap<>();
        GetAllInstancesRequest request = new GetAllInstancesRequest();
        request.setNamespace(c.namespace);
        request.setService(c.service);
        InstancesResponse list = api.getAllInstances(request);
        answer.put("revision", list.getServiceInstances().getRevision());
        answer.put("instances", described(list));
        Map<String, Integer> times = new LinkedHashMap<>();
        long fastest = Long.MAX_VALUE;
        for (int i = 0; i < Math.max(c.times, 1); i++) {
            long start = System.nanoTime();
            try {
                Instance picked = pick(c);
                if (picked == null) {
                    answer.put("pickError", "no instance and no error");
                } else {
                    answer.put("picked", picked.getHost());
                    times.merge(picked.getHost(), 1, Integer::sum);
                }
            } catch (RuntimeException e) {
                answer.put("pickError", String.valueOf(e));
            }
            fastest = Math.min(fastest, System.nanoTime() - start);
        }
        answer.put("times", times);
        answer.put("fastest", fastest / 1000000);
        return answer;
    }

    private Instance pick(Consumer.Command c) {
        GetOneInstanceRequest request = new GetOneInstanceRequest();
        request.setNamespace(c.namespace);
        request.setService(c.service);
        if (c.set != null && !c.set.isEmpty()) {
            Map<String, String> metadata = new HashMap<>();
            metadata.put("internal-enable-set", "Y");
            metadata.put("internal-set-name", c.set);
            request.setMetadata(metadata);
        }
        Instance[] instances = api.getOneInstance(request).getInstances();
        return instances.length == 0 ? null : instances[0];
    }

    /** list answers the list of a service, and asks for nothing else. */
    Map<String, Object> list(Consumer.Command c) {
        GetAllInstancesRequest request = new GetAllInstancesRequest();
        request.setNamespace(c.namespace);
        request.setService(c.service);
        return Collections.singletonMap("instances", described(api.getAllInstances(request)));
    }

    /** watch answers the events since the last time. The first time, it starts the watch and answers the list. */
    Map<String, Object> watch(Consumer.Command c) {
        List<ServiceChangeEvent> events = watches.get(c.service);
        if (events == null) {
            List<ServiceChangeEvent> told = Collections.synchronizedList(new ArrayList<>());
            WatchServiceRequest request = WatchServiceRequest.builder().namespace(c.namespace).service(c.service)
                    .listeners(Collections.singletonList(told::add)).build();
            Map<String, Object> answer = Collections.singletonMap("instances", described(api.watchService(request).getResponse()));
            watches.put(c.service, told);
            return answer;
        }
        synchronized (events) {
            List<Object> described = events.stream().map(Caller::described).collect(Collectors.toList());
            events.clear();
            return Collections.singletonMap("events", described);
        }
    }

    /** where answers region, zone and campus that the SDK's nearby router goes by. 1.x writes their names small. */
    Map<String, Object> where() {
        List<String> location = new ArrayList<>();
        for (String level : new String[] {"region", "zone", "campus"}) {
            String name = context.getValueContext().getValue(level);
            if (name == null) {
                name = context.getValueContext().getValue(level.toUpperCase());
            }
            if (name != null) {
                location.add(name);
            }
        }
        return Collections.singletonMap("location", location);
    }

    private static Map<String, Object> described(ServiceChangeEvent event) {
        Map<String, Object> answer = new LinkedHashMap<>();
        answer.put("added", hosts(event.getAddInstances()));
        answer.put("updated", hosts(event.getUpdateInstances().stream().map(ServiceChangeEvent.OneInstanceUpdate::getAfter).collect(Collectors.toList())));
        answer.put("deleted", hosts(event.getDeleteInstances()));
        return answer;
    }

    private static List<String> hosts(List<Instance> instances) {
        return instances.stream().map(Instance::getHost).collect(Collectors.toList());
    }

    private static List<Object> described(InstancesResponse list) {
        List<Object> answer = new ArrayList<>();
        for (Instance i : list.getInstances()) {
            Map<String, Object> one = new LinkedHashMap<>();
            one.put("host", i.getHost());
            one.put("port", i.getPort());
            one.put("healthy", i.isHealthy());
            one.put("isolated", i.isIsolated());
            one.put("weight", i.getWeight());
            one.put("priority", i.getPriority());
            one.put("region", i.getRegion());
            one.put("zone", i.getZone());
            one.put("campus", i.getCampus());
            one.put("metadata", i.getMetadata());
            answer.add(one);
        }
        return answer;
    }
}
