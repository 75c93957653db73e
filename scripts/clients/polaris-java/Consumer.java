import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.util.Collections;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import shade.polaris.com.google.gson.Gson;

/**
 * Runs the unmodified SDK polaris-java as several callers. The program reads the commands of
 * scripts/demo/consumer from standard input, one JSON object a line, and answers each with one.
 *
 * <p>"add" takes "zeroProtection", too, and "location", three names. "get" also answers "fastest", the milliseconds of the fastest
 * choice of one instance. {"list": NAME, "namespace": NS, "service": S} answers the list, and asks for
 * nothing else: a choice of one instance asks the server for rules, too. The SET of "set" is in the
 * metadata of the request, where the SDK's set router looks for it.
 *
 * <p>The program ends when its input ends.
 */
public class Consumer {
    /** Command is a command from standard input. */
    static class Command {
        String add;
        String get;
        String list;
        String watch;
        String where;
        List<String> servers;
        String dir;
        String bindIP;
        List<String> routers;
        List<String> location;
        boolean zeroProtection;
        String namespace;
        String service;
        String set;
        int times;
    }

    private static final Map<String, Caller> callers = new HashMap<>();

    public static void main(String[] args) throws IOException {
        // The SDK may print on standard output, where only answers may be.
        PrintStream out = System.out;
        System.setOut(System.err);
        Gson gson = new Gson();
        BufferedReader in = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
        for (String line = in.readLine(); line != null; line = in.readLine()) {
            Map<String, Object> answer;
            try {
                answer = run(gson.fromJson(line, Command.class));
            } catch (Exception e) {
                answer = Collections.singletonMap("error", String.valueOf(e));
            }
            out.println(gson.toJson(answer));
            out.flush();
        }
        Runtime.getRuntime().halt(0);
    }

    private static Map<String, Object> run(Command c) throws IOException {
        if (c.add != null) {
            callers.put(c.add, new Caller(c));
            return Collections.emptyMap();
        }
        if (c.watch != null) {
            return callers.get(c.watch).watch(c);
        }
        if (c.where != null) {
            return callers.get(c.where).where();
        }
        if (c.list != null) {
            return callers.get(c.list).list(c);
        }
        return callers.get(c.get).get(c);
    }
}
