import java.io.IOException;
import java.io.InputStream;
import java.io.PrintStream;
import java.util.Map;
import java.util.stream.Collectors;
import org.springframework.boot.SpringBootConfiguration;
import org.springframework.boot.WebApplicationType;
import org.springframework.boot.autoconfigure.EnableAutoConfiguration;
import org.springframework.boot.builder.SpringApplicationBuilder;
import org.springframework.cloud.client.discovery.DiscoveryClient;
import org.springframework.cloud.client.serviceregistry.Registration;
import org.springframework.cloud.client.serviceregistry.ServiceRegistry;
import org.springframework.context.ConfigurableApplicationContext;

/**
 * Runs the unmodified Eureka starter of Spring Cloud. Its arguments are the server's URL, the
 * service that it asks for, "full" or "delta", and the application, the host and the SET of the
 * instance that it registers. Until its standard input ends it prints states as JSON, one a line:
 * the hosts that it has, and the status of its own instance, as its actuator shows it.
 */
@SpringBootConfiguration
@EnableAutoConfiguration
public class Client {
    public static void main(String[] args) throws Exception {
        // Spring prints on standard output, where only states may be.
        PrintStream out = System.out;
        System.setOut(System.err);
        Thread end = new Thread(() -> endWith(System.in));
        end.setDaemon(true);
        end.start();
        ConfigurableApplicationContext context = new SpringApplicationBuilder(Client.class).web(WebApplicationType.NONE)
                .properties(properties(args)).run();
        DiscoveryClient client = context.getBean(DiscoveryClient.class);
        ServiceRegistry<?> registry = context.getBean(ServiceRegistry.class);
        Registration registration = context.getBean(Registration.class);
        for (int n = 0; ; n++) {
            String status = n % 20 == 0 ? ", \"status\": \"" + status(registry, registration) + '"' : "";
            out.println(client.getInstances(args[1]).stream()
                    .map(i -> '"' + i.getHost() + '"').sorted().collect(Collectors.joining(", ", "{\"hosts\": [", "]" + status + "}")));
            out.flush();
            Thread.sleep(50);
        }
    }

    @SuppressWarnings({"unchecked", "rawtypes"})
    private static Object status(ServiceRegistry registry, Registration registration) {
        try {
            return ((Map<?, ?>) registry.getStatus(registration)).get("status");
        } catch (RuntimeException e) {
            return "none";
        }
    }

    /** The starter's defaults, but for the periods: a test does not wait for 30 seconds. */
    private static Map<String, Object> properties(String[] args) {
        return Map.ofEntries(
                Map.entry("spring.application.name", args[3]),
                Map.entry("spring.main.banner-mode", "off"),
                Map.entry("logging.level.root", "warn"),
                Map.entry("eureka.client.service-url.defaultZone", args[0] + "/"),
                Map.entry("eureka.client.disable-delta", args[2].equals("full")),
                Map.entry("eureka.client.registry-fetch-interval-seconds", 1),
                Map.entry("eureka.client.initial-instance-info-replication-interval-seconds", 0),
                Map.entry("eureka.instance.hostname", args[4]),
                Map.entry("eureka.instance.ip-address", args[4]),
                Map.entry("eureka.instance.instance-id", args[4] + ":" + args[3] + ":80"),
                Map.entry("eureka.instance.non-secure-port", 80),
                Map.entry("eureka.instance.lease-renewal-interval-in-seconds", 5),
                Map.entry("eureka.instance.lease-expiration-duration-in-seconds", 15),
                Map.entry("eureka.instance.metadata-map.internal-set-name", args[5]));
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
