package dev.vouchsafe.keys;

import java.nio.file.Path;
import java.util.Deque;
import java.util.concurrent.ConcurrentLinkedDeque;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;

/** A store in a token of SoftHSM2, reached by a shim, with a clock that the test moves. */
final class Pkcs11Place {
  static final SoftwareCrypto CRYPTO = SoftwareCrypto.choose();
  static final KeyLabel CA = KeyLabel.of("device-ca", "1");
  static final byte[] MESSAGE = {1, 2, 3};

  private final AtomicLong nanos = new AtomicLong(1);
  private final Deque<Runnable> due = new ConcurrentLinkedDeque<>();
  private final AtomicInteger withoutThread = new AtomicInteger();
  final Pkcs11Stores stores =
      new Pkcs11Stores(SoftwareStores.effectiveUser(), nanos::get, (task, delay) -> later(task), 0);
  final Path folder;
  final Pkcs11Uri uri;

  Pkcs11Place(Path home, SoftHsm.Token token, Path library) {
    this.folder = home.resolve("keys");
    this.uri = Pkcs11Uri.parse(token.uri(library));
  }

  private void later(Runnable task) {
    if (withoutThread.getAndUpdate(left -> Math.max(0, left - 1)) > 0) {
      throw new OutOfMemoryError("unable to create native thread");
    }
    due.add(task);
  }

  /** For so many tasks from now on the system has no thread. */
  void noThreadsFor(int tasks) {
    withoutThread.set(tasks);
  }

  PrivateKeyStore create() throws KeyFault {
    return stores.create(folder, uri, CRYPTO);
  }

  PrivateKeyStore open() throws KeyFault {
    return stores.open(folder, uri, CRYPTO);
  }

  /** Lets the pause between two tries pass, and tries. */
  void pause() {
    nanos.addAndGet(TimeUnit.SECONDS.toNanos(1));
    for (int i = due.size(); i > 0; i--) {
      Runnable task = due.poll();
      if (task != null) {
        task.run();
      }
    }
  }

  /** Lets so much time pass. */
  void pass(long duration) {
    nanos.addAndGet(duration);
  }

  StoreId id() throws Exception {
    return StoreId.parse(java.nio.file.Files.readAllBytes(folder.resolve(StoreId.FILE)));
  }

  static boolean signs(StoredKey key) throws Exception {
    return CRYPTO.verify(key.publicKey(), key.type(), MESSAGE, key.sign(MESSAGE));
  }
}
