import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.springframework.boot.SpringApplication;
import org.springframework.boot.SpringBootConfiguration;
import org.springframework.boot.autoconfigure.EnableAutoConfiguration;
import org.springframework.cloud.client.ServiceInstance;
import org.springframework.cloud.client.discovery.DiscoveryClient;
import org.springframework.cloud.client.loadbalancer.LoadBalancerClient;
import org.springframework.context.ConfigurableApplicationContext;

/**
 * Runs a minimal application with unmodified Spring Cloud Tencent. The program reads commands from
 * standard input, one JSON object a line, and answers each with one, as scripts/demo/consumer does.
 *
 * <ul>
 *   <li>{"add": NAME, "servers": [ADDR], "args": [...]} starts the application with Spring's arguments.
 *   <li>{"get": NAME, "service": S, "times": N} answers the instances that DiscoveryClient has, and how
 *       often each host came up in N choices of LoadBalancerClient.
 * </ul>
 *
 * <p>The program ends when its input ends.
 */
@SpringBootConfiguration
@EnableAutoConfiguration // without a scan for components, which from no package are those of all libraries
public class Application {
    private static ConfigurableApplicationContext context;

    public static void main(String[] args) throws IOException {
        // Spring logs on standard output, where only answers may be.
        PrintStream out = System.out;
        System.setOut(System.err);
        ObjectMapper mapper = new ObjectMapper();
        BufferedReader in = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
        for (String line = in.readLine(); line != null; line = in.readLine()) {
            Map<String, Object> answer;
            try {
                answer = run(mapper.readValue(line, Map.class));
            } catch (Exception e) {
                answer = Collections.singletonMap("error", String.valueOf(e));
            }
            out.println(mapper.writeValueAsString(answer));
            out.flush();
        }
        Runtime.getRuntime().halt(0);
    }

    @SuppressWarnings("unchecked")
    private static Map<String, Object> run(Map<String, Object> command) {
        if (command.get("add") != null) {
            List<String> args = new ArrayList<>((List<String>) command.get("args"));
            args.add("--spring.cloud.polaris.address=grpc://" + ((List<String>) command.get("servers")).get(0));
            context = SpringApplication.run(Application.class, args.toArray(new String[0]));
            return Collections.emptyMap();
        }
        return get((String) command.get("service"), ((Number) command.get("times")).intValue());
    }

    private static Map<String, Object> get(String service, int times) {
        List<Object> instances = new ArrayList<>();
        for (ServiceInstance i : context.getBean(DiscoveryClient.class).getInstances(service)) {
            Map<String, Object> instance = new LinkedHashMap<>();
            instance.put("host", i.getHost());
            instance.put("port", i.getPort());
            instance.put("metadata", i.getMetadata());
            instances.add(instance);
        }
        Map<String, Object> answer = new LinkedHashMap<>();
        answer.put("instances", instances);
        Map<String, Integer> chosen = new LinkedHashMap<>();
        LoadBalancerClient balancer = context.getBean(LoadBalancerClient.class);
        for (int n = 0; n < times; n++) {
            try {
                ServiceInstance i = balancer.choose(service);
                if (i == null) {
                    answer.put("pickError", "no instance and no error");
                } else {
                    chosen.merge(i.getHost(), 1, Integer::sum);
                }
            } catch (RuntimeException e) {
                answer.put("pickError", String.valueOf(e));
            }
        }
        answer.put("times", chosen);
        return answer;
    }
}
