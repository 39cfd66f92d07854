package dev.vouchsafe.api;

import io.netty.channel.Channel;
import io.netty.channel.ChannelFuture;
import io.netty.channel.EventLoop;
import io.netty.channel.MultiThreadIoEventLoopGroup;
import io.netty.channel.epoll.EpollDomainSocketChannel;
import io.netty.channel.epoll.EpollIoHandler;
import io.netty.util.concurrent.DefaultThreadFactory;
import io.netty.util.concurrent.EventExecutor;
import java.io.IOException;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.OptionalInt;

/**
 * Event loops of which one serves all Unix connections of a user: a loop takes whatever is ready in
 * turns as long as that takes, so whoever shares it with somebody's hundreds of connections waits
 * for all of them. A user who comes gets the loop with the fewest connections.
 */
final class UserLoops extends MultiThreadIoEventLoopGroup {
  /** A loop and how many connections it has. */
  private static final class Place {
    private final EventLoop loop;
    private int connections;

    Place(EventLoop loop) {
      this.loop = loop;
    }
  }

  /** A user who is there. */
  private static final class User {
    private final Place place;
    private int connections;

    User(Place place) {
      this.place = place;
    }
  }

  /** Guarded by itself, like all that is in it and the users. */
  private final List<Place> places = new ArrayList<>();

  private final Map<Integer, User> users = new HashMap<>();

  UserLoops(int threads, String name) {
    super(threads, new DefaultThreadFactory(name), EpollIoHandler.newFactory());
    for (EventExecutor loop : this) {
      places.add(new Place((EventLoop) loop));
    }
  }

  @Override
  public ChannelFuture register(Channel channel) {
    OptionalInt user = user(channel);
    if (user.isEmpty()) {
      return super.register(channel);
    }
    int uid = user.getAsInt();
    EventLoop loop = enter(uid);
    channel.closeFuture().addListener(closed -> leave(uid));
    return loop.register(channel);
  }

  /** Whose connection that is, if it is one of a user; he is held to nothing by this. */
  private static OptionalInt user(Channel channel) {
    try {
      return channel instanceof EpollDomainSocketChannel socket
          ? OptionalInt.of(socket.peerCredentials().uid())
          : OptionalInt.empty();
    } catch (IOException e) {
      return OptionalInt.empty();
    }
  }

  /** The loop of a user, for one more connection of his. */
  EventLoop enter(int uid) {
    synchronized (places) {
      User user = users.computeIfAbsent(uid, first -> new User(fewest()));
      user.connections++;
      user.place.connections++;
      return user.place.loop;
    }
  }

  private Place fewest() {
    return places.stream()
        .min(Comparator.comparingInt(place -> place.connections))
        .orElseThrow(() -> new IllegalStateException("a group has a loop"));
  }

  /** One of that user's connections has ended. */
  void leave(int uid) {
    synchronized (places) {
      User user = users.get(uid);
      if (user == null) {
        throw new IllegalStateException("a connection of nobody");
      }
      user.place.connections--;
      user.connections--;
      if (user.connections == 0) {
        users.remove(uid);
      }
    }
  }
}
