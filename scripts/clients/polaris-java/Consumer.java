import com.tencent.polaris.api.core.ConsumerAPI;
import com.tencent.polaris.api.pojo.Instance;
import com.tencent.polaris.api.rpc.GetAllInstancesRequest;
import com.tencent.polaris.factory.ConfigAPIFactory;
import com.tencent.polaris.factory.api.DiscoveryAPIFactory;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.stream.Collectors;

/**
 * Runs the unmodified SDK polaris-java as a consumer of one service. Its arguments are the server's
 * address, the service, the SDK's folder on disk, and a free port for the SDK. Until its standard
 * input ends it prints states as JSON, one a line: the hosts that the SDK has, and the error where a
 * call fails.
 */
public class Consumer {
    public static void main(String[] args) throws Exception {
        // The SDK may print on standard output, where only states may be.
        PrintStream out = System.out;
        System.setOut(System.err);
        ConsumerAPI api = DiscoveryAPIFactory.createConsumerAPIByConfig(ConfigAPIFactory.loadConfig(config(args[0], args[2], args[3])));
        Thread end = new Thread(() -> endWith(System.in));
        end.setDaemon(true);
        end.start();
        while (true) {
            out.println(state(api, args[1]));
            out.flush();
            Thread.sleep(100);
        }
    }

    /** The SDK's defaults, but for what differs between several on one host. */
    private static InputStream config(String server, String folder, String port) {
        String text = "global:\n"
                + "  serverConnector: {addresses: ['" + server + "']}\n"
                + "  admin: {port: " + port + "}\n"
                + "consumer:\n"
                + "  localCache: {persistDir: '" + folder + "'}\n";
        return new ByteArrayInputStream(text.getBytes(StandardCharsets.UTF_8));
    }

    private static String state(ConsumerAPI api, String service) {
        GetAllInstancesRequest request = new GetAllInstancesRequest();
        request.setNamespace("default");
        request.setService(service);
        try {
            Instance[] instances = api.getAllInstances(request).getInstances();
            return "{\"hosts\": [" + Arrays.stream(instances).map(i -> quoted(i.getHost())).sorted().collect(Collectors.joining(", ")) + "]}";
        } catch (RuntimeException e) {
            return "{\"hosts\": [], \"error\": " + quoted(String.valueOf(e)) + "}";
        }
    }

    private static String quoted(String s) {
        return '"' + s.replace("\\", "\\\\").replace("\"", "\\\"").replaceAll("\\p{Cntrl}", " ") + '"';
    }

    private static void endWith(InputStream in) {
        try {
            while (in.read() >= 0) {
            }
        } catch (IOException e) {
            // ended, too
        }
        Runtime.getRuntime().halt(0);
    }
}
