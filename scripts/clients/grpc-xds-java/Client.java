import com.google.gson.Gson;
import io.grpc.Channel;
import io.grpc.ClientInterceptors;
import io.grpc.Grpc;
import io.grpc.InsecureChannelCredentials;
import io.grpc.Metadata;
import io.grpc.StatusRuntimeException;
import io.grpc.health.v1.HealthCheckRequest;
import io.grpc.health.v1.HealthGrpc;
import io.grpc.stub.MetadataUtils;
import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.util.HashMap;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicReference;

/**
 * The unmodified grpc-java as a client of xDS.
 *
 * <p>Each line of standard input is a command in JSON: {"call": TARGET, "times": N} calls a
 * target, as xds:///novel.default. The answer is a line of JSON on standard output: how often
 * each instance served the call, how many calls failed, and why the last of them did. The file
 * that GRPC_XDS_BOOTSTRAP names says where the xDS server is.
 */
public class Client {
  private static final Metadata.Key<String> SERVED_BY = Metadata.Key.of("served-by", Metadata.ASCII_STRING_MARSHALLER);
  private static final long TIMEOUT_SECONDS = 2; // of a call

  private static class Command {
    String call;
    int times;
  }

  private static class Reply {
    final Map<String, Integer> served = new TreeMap<>();
    int failed;
    String error = "";
  }

  public static void main(String[] args) throws Exception {
    Gson gson = new Gson();
    Map<String, Channel> channels = new HashMap<>();
    BufferedReader lines = new BufferedReader(new InputStreamReader(System.in));
    for (String line = lines.readLine(); line != null; line = lines.readLine()) {
      Command command = gson.fromJson(line, Command.class);
      Channel channel = channels.computeIfAbsent(
          command.call, target -> Grpc.newChannelBuilder(target, InsecureChannelCredentials.create()).build());
      System.out.println(gson.toJson(call(channel, command.times)));
    }
    System.exit(0);
  }

  /** Calls one after the other. */
  private static Reply call(Channel channel, int times) {
    Reply reply = new Reply();
    for (int n = 0; n < times; n++) {
      AtomicReference<Metadata> header = new AtomicReference<>();
      Channel heard = ClientInterceptors.intercept(channel, MetadataUtils.newCaptureMetadataInterceptor(header, new AtomicReference<>()));
      try {
        HealthGrpc.newBlockingStub(heard).withDeadlineAfter(TIMEOUT_SECONDS, TimeUnit.SECONDS).check(HealthCheckRequest.getDefaultInstance());
        reply.served.merge(header.get().get(SERVED_BY), 1, Integer::sum);
      } catch (StatusRuntimeException e) {
        reply.failed++;
        reply.error = e.getStatus().toString();
      }
    }
    return reply;
  }
}
