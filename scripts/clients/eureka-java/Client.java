import com.netflix.appinfo.ApplicationInfoManager;
import com.netflix.appinfo.DataCenterInfo;
import com.netflix.appinfo.InstanceInfo;
import com.netflix.appinfo.LeaseInfo;
import com.netflix.appinfo.MyDataCenterInstanceConfig;
import com.netflix.discovery.DefaultEurekaClientConfig;
import com.netflix.discovery.DiscoveryClient;
import com.netflix.discovery.EurekaClient;
import com.netflix.discovery.EurekaClientConfig;
import com.netflix.discovery.shared.transport.jersey.TransportClientFactories;
import java.io.IOException;
import java.io.InputStream;
import java.io.PrintStream;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;

/**
 * Runs the unmodified eureka-client. Its arguments are the server's URL, the VIP address that it
 * asks for, "full" or "delta", and the application, the host and the SET of the instance that it
 * registers. Until its standard input ends it prints states as JSON, one a line: the hosts that it
 * has.
 */
public class Client {
    public static void main(String[] args) throws Exception {
        // The client may print on standard output, where only states may be.
        PrintStream out = System.out;
        System.setOut(System.err);
        Thread end = new Thread(() -> endWith(System.in));
        end.setDaemon(true);
        end.start();
        EurekaClient client = newClient(instance(args[3], args[4], args[5]), config(args[0], args[2].equals("full")));
        while (true) {
            out.println(client.getInstancesByVipAddress(args[1], false).stream()
                    .map(i -> '"' + i.getIPAddr() + '"').sorted().collect(Collectors.joining(", ", "{\"hosts\": [", "]}")));
            out.flush();
            Thread.sleep(50);
        }
    }

    /** What the client compares its instance with, each time that it registers. */
    private static MyDataCenterInstanceConfig at(String host) {
        return new MyDataCenterInstanceConfig() {
            @Override
            public String getHostName(boolean refresh) {
                return host;
            }

            @Override
            public String getIpAddress() {
                return host;
            }
        };
    }

    private static InstanceInfo instance(String app, String host, String set) {
        DataCenterInfo dataCenter = () -> DataCenterInfo.Name.MyOwn;
        return InstanceInfo.Builder.newBuilder()
                .setInstanceId(host + ":" + app + ":80").setAppName(app).setHostName(host).setIPAddr(host).setPort(80)
                .setVIPAddress(app).setDataCenterInfo(dataCenter).setMetadata(Map.of("internal-set-name", set))
                .setLeaseInfo(LeaseInfo.Builder.newBuilder().setRenewalIntervalInSecs(5).setDurationInSecs(15).build())
                .setStatus(InstanceInfo.InstanceStatus.UP).build();
    }

    /** The client's defaults, but for the periods: a test does not wait for 30 seconds. */
    private static EurekaClientConfig config(String server, boolean full) {
        return new DefaultEurekaClientConfig() {
            @Override
            public List<String> getEurekaServerServiceUrls(String zone) {
                return List.of(server + "/");
            }

            @Override
            public boolean shouldDisableDelta() {
                return full;
            }

            @Override
            public int getRegistryFetchIntervalSeconds() {
                return 1;
            }

            @Override
            public int getInitialInstanceInfoReplicationIntervalSeconds() {
                return 0;
            }
        };
    }

    /** From 2.0 on the transport is an argument, before there was one. */
    private static EurekaClient newClient(InstanceInfo instance, EurekaClientConfig config) throws Exception {
        ApplicationInfoManager manager = new ApplicationInfoManager(at(instance.getHostName()), instance);
        try {
            Object transport = Class.forName("com.netflix.discovery.shared.transport.jersey3.Jersey3TransportClientFactories")
                    .getMethod("getInstance").invoke(null);
            return DiscoveryClient.class.getConstructor(ApplicationInfoManager.class, EurekaClientConfig.class, TransportClientFactories.class)
                    .newInstance(manager, config, transport);
        } catch (ClassNotFoundException e) {
            return DiscoveryClient.class.getConstructor(ApplicationInfoManager.class, EurekaClientConfig.class).newInstance(manager, config);
        }
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
