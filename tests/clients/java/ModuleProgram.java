import com.microsoft.azure.sdk.iot.device.IotHubClientProtocol;
import com.microsoft.azure.sdk.iot.device.Message;
import com.microsoft.azure.sdk.iot.device.ModuleClient;
import com.microsoft.azure.sdk.iot.device.exceptions.IotHubClientException;
import com.microsoft.azure.sdk.iot.device.hsm.UnixDomainSocketChannel;
import com.microsoft.azure.sdk.iot.device.transport.NoRetry;
import java.io.IOException;
import java.net.UnixDomainSocketAddress;
import java.nio.ByteBuffer;
import java.nio.channels.SocketChannel;

/**
 * A module as its author wrote it years ago: everything that it knows of the gateway stands in its
 * environment. Sends its first argument as one message, then says "sent"; or says "failed" with the
 * SDK's own words.
 */
final class ModuleProgram {
  private ModuleProgram() {}

  /** The one thing that this SDK leaves to the module's author. */
  private static final class Channel implements UnixDomainSocketChannel {
    private SocketChannel socket;

    @Override
    public void open(String address) throws IOException {
      socket = SocketChannel.open(UnixDomainSocketAddress.of(address));
    }

    @Override
    public void write(byte[] octets) throws IOException {
      ByteBuffer out = ByteBuffer.wrap(octets);
      while (out.hasRemaining()) {
        socket.write(out);
      }
    }

    @Override
    public int read(byte[] octets) throws IOException {
      return socket.read(ByteBuffer.wrap(octets));
    }

    @Override
    public void close() throws IOException {
      socket.close();
    }
  }

  public static void main(String[] arguments) throws InterruptedException {
    try {
      ModuleClient client =
          ModuleClient.createFromEnvironment(new Channel(), IotHubClientProtocol.MQTT);
      System.out.println("trust bundle read");
      // The SDK would try for four minutes, which is longer than a test waits.
      client.setRetryPolicy(new NoRetry());
      client.open(false);
      client.sendEvent(new Message(arguments[0]));
      System.out.println("sent");
      client.close();
    } catch (IotHubClientException e) {
      System.out.println("failed " + e);
      for (Throwable cause = e.getCause(); cause != null; cause = cause.getCause()) {
        System.out.println("because " + cause);
      }
      System.exit(1);
    }
  }
}
