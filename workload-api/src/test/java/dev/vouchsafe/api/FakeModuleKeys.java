package dev.vouchsafe.api;

import dev.vouchsafe.ca.IssuanceException;
import dev.vouchsafe.ca.ModuleKeys;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.atomic.AtomicInteger;
import org.jspecify.annotations.Nullable;

/** The real keys, except that the test can break them, and see who had one revealed. */
final class FakeModuleKeys implements ModuleKeys {
  final List<String> revealed = new CopyOnWriteArrayList<>();

  /** From now on everything ends like that. */
  volatile IssuanceException.@Nullable Reason broken;

  /** Whether the masters are said not to be at hand. */
  volatile boolean sealed;

  volatile boolean crash;

  /** How often a module's key was used. */
  final AtomicInteger used = new AtomicInteger();

  private final ModuleKeys real;

  FakeModuleKeys(ModuleKeys real) {
    this.real = real;
  }

  private void check() throws IssuanceException {
    used.incrementAndGet();
    if (crash) {
      throw new IllegalStateException("a bug of the keys");
    }
    IssuanceException.Reason reason = broken;
    if (reason != null) {
      throw new IssuanceException(reason, "said of " + reason.code());
    }
  }

  @Override
  public boolean ready() {
    return !sealed && real.ready();
  }

  @Override
  public byte[] sign(Module module, Which which, byte[] data) throws IssuanceException {
    check();
    return real.sign(module, which, data);
  }

  @Override
  public byte[] reveal(Module module, Which which, String administrator) throws IssuanceException {
    check();
    revealed.add(module.name() + " " + which + " " + administrator);
    return real.reveal(module, which, administrator);
  }

  @Override
  public byte[] encrypt(Module module, byte[] iv, byte[] plaintext) throws IssuanceException {
    check();
    return real.encrypt(module, iv, plaintext);
  }

  @Override
  public byte[] decrypt(Module module, byte[] iv, byte[] ciphertext) throws IssuanceException {
    check();
    return real.decrypt(module, iv, ciphertext);
  }
}
