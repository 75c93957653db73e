import com.alibaba.nacos.api.naming.NamingFactory;
import com.alibaba.nacos.api.naming.NamingService;
import com.alibaba.nacos.api.naming.listener.NamingEvent;
import com.alibaba.nacos.api.naming.pojo.Instance;
import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.io.PrintStream;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.Properties;
import java.util.TreeMap;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.stream.Collectors;

/**
 * Runs the unmodified Nacos SDK for Java, nacos-client, as one client for each address of a server
 * in its arguments. The first argument is a folder of its own, where the SDK writes nothing by
 * default: the SDK's folders are those of user.home. The commands and what is printed are those of
 * scripts/clients/nacos.
 */
public class Client {
    private final int number;
    private final NamingService sdk;
    private final PrintStream out;
    private final ExecutorService commands = Executors.newSingleThreadExecutor();

    private Client(int number, NamingService sdk, PrintStream out) {
        this.number = number;
        this.sdk = sdk;
        this.out = out;
    }

    public static void main(String[] args) throws Exception {
        // The SDK may print on standard output, where only news may be.
        PrintStream out = System.out;
        System.setOut(System.err);
        List<Client> clients = new ArrayList<>();
        for (String server : Arrays.asList(args).subList(1, args.length)) {
            Properties properties = new Properties();
            properties.put("serverAddr", server);
            Client client = new Client(clients.size(), NamingFactory.createNamingService(properties), out);
            client.print("ready", "", Collections.emptyList(), "");
            clients.add(client);
        }
        BufferedReader lines = new BufferedReader(new InputStreamReader(System.in));
        for (String line = lines.readLine(); line != null; line = lines.readLine()) {
            String[] words = line.trim().split("\\s+");
            clients.forEach(client -> client.commands.execute(() -> client.follow(words)));
        }
        Runtime.getRuntime().halt(0);
    }

    private void follow(String[] words) {
        try {
            List<Instance> instances = run(words);
            if (!words[0].equals("select")) { // prints by itself
                print(words[0], words[1], instances, "");
            }
        } catch (Exception | Error e) {
            print(words[0], words[1], Collections.emptyList(), ",\"error\":" + quoted(String.valueOf(e)));
        }
    }

    private List<Instance> run(String[] words) throws Exception {
        int at = words[1].indexOf("@@");
        String group = at < 0 ? "DEFAULT_GROUP" : words[1].substring(0, at);
        String service = at < 0 ? words[1] : words[1].substring(at + 2);
        List<String> clusters = words.length < 3 ? Collections.emptyList() : Arrays.asList(words[2].split(","));
        switch (words[0]) {
            case "subscribe":
                sdk.subscribe(service, group, clusters, event -> print("pushed", words[1], ((NamingEvent) event).getInstances(), ""));
                break;
            case "query":
                return sdk.getAllInstances(service, group, clusters, false);
            case "select":
                Map<String, Integer> times = new TreeMap<>();
                for (int i = 0; i < Integer.parseInt(words[2]); i++) {
                    times.merge(sdk.selectOneHealthyInstance(service, group).getIp(), 1, Integer::sum);
                }
                String text = times.entrySet().stream().map(e -> quoted(e.getKey()) + ":" + e.getValue()).collect(Collectors.joining(","));
                print("select", words[1], Collections.emptyList(), ",\"times\":{" + text + "}");
                break;
            case "register":
                Instance instance = new Instance();
                instance.setIp(words[2]);
                instance.setPort(Integer.parseInt(words[3]));
                instance.setMetadata(Collections.singletonMap("internal-set-name", words[4]));
                sdk.registerInstance(service, group, instance);
                break;
            case "deregister":
                sdk.deregisterInstance(service, group, words[2], Integer.parseInt(words[3]));
                break;
            default:
                throw new IllegalArgumentException("no command " + words[0]);
        }
        return Collections.emptyList();
    }

    private void print(String kind, String service, List<Instance> instances, String more) {
        String hosts = instances.stream().map(i -> quoted(i.getIp())).sorted().collect(Collectors.joining(","));
        String text = "{\"client\":" + number + ",\"at\":" + System.currentTimeMillis() + ",\"kind\":" + quoted(kind)
                + ",\"service\":" + quoted(service) + ",\"hosts\":[" + hosts + "]"
                + more + "}";
        synchronized (out) {
            out.println(text);
            out.flush();
        }
    }

    private static String quoted(String s) {
        return '"' + s.replace("\\", "\\\\").replace("\"", "\\\"").replaceAll("\\p{Cntrl}", " ") + '"';
    }
}
