package dev.vouchsafe.api;

import dev.vouchsafe.attestation.Written;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.ByteBufAllocator;
import io.netty.channel.RecvByteBufAllocator;
import io.netty.channel.epoll.EpollDomainSocketChannel;
import io.netty.channel.unix.PeerCredentials;
import io.netty.util.UncheckedBooleanSupplier;
import java.io.IOException;

/**
 * Asks before each read of a connection who wrote what is read: octets of another process than the
 * one that connected are never taken for a request, or a part of one.
 *
 * <p>Netty's channels can't be made to read with ancillary data. But each read begins with asking
 * for a buffer, on the event loop and nowhere else: that is where the kernel is asked, without
 * taking anything. A read takes the octets of one writer only, so the answer is that of all of it.
 */
@SuppressWarnings("deprecation") // Netty says so of its own handles, and has nothing else.
final class WriterWatch implements RecvByteBufAllocator {
  /** What came for us was nothing: read again when there is something. */
  static final class NothingYet extends RuntimeException {
    private static final long serialVersionUID = 1L;

    private NothingYet() {
      super("nothing to read yet", null, false, false);
    }
  }

  private final RecvByteBufAllocator reads;
  private final Attestation attestation;
  private final int socket;
  private final Written.By connected;
  private final Intake intake;

  /**
   * @param reads how large each read is
   * @param connected the process at the other end, at connect
   * @param intake is told of the writer before each read
   */
  WriterWatch(
      RecvByteBufAllocator reads,
      Attestation attestation,
      int socket,
      Written.By connected,
      Intake intake) {
    this.reads = reads;
    this.attestation = attestation;
    this.socket = socket;
    this.connected = connected;
    this.intake = intake;
  }

  /** Has each read of that connection watched from now on, before the first of them. */
  static void begin(EpollDomainSocketChannel channel, Intake intake, Attestation writers)
      throws IOException {
    PeerCredentials peer = channel.peerCredentials();
    channel
        .config()
        .setRecvByteBufAllocator(
            new WriterWatch(
                channel.config().getRecvByteBufAllocator(),
                writers,
                channel.fd().intValue(),
                new Written.By(peer.pid(), Integer.toUnsignedLong(peer.uid())),
                intake));
  }

  @Override
  public Handle newHandle() {
    return new Watching((ExtendedHandle) reads.newHandle());
  }

  private void look() {
    Written next = attestation.next(socket, connected);
    switch (next) {
      // What came between this answer and the read would be nobody's.
      case Written.Nothing.YET -> throw new NothingYet();
      case Written.Nothing.ANY_MORE -> {
        // The read finds the end.
      }
      default -> {
        if (next.equals(connected)) {
          intake.nextIsOwn();
        } else {
          intake.nextIsForeign(() -> attestation.foreignWriter(connected, next));
        }
      }
    }
  }

  private final class Watching extends DelegatingHandle implements ExtendedHandle {
    Watching(ExtendedHandle delegate) {
      super(delegate);
    }

    @Override
    public ByteBuf allocate(ByteBufAllocator alloc) {
      look();
      return super.allocate(alloc);
    }

    @Override
    public boolean continueReading(UncheckedBooleanSupplier maybeMore) {
      return ((ExtendedHandle) delegate()).continueReading(maybeMore);
    }
  }
}
