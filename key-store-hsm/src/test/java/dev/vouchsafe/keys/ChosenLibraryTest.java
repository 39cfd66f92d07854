package dev.vouchsafe.keys;

import static org.assertj.core.api.Assertions.assertThat;

import com.amazon.corretto.crypto.provider.AmazonCorrettoCryptoProvider;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Objects;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** How the library is chosen when its native part is unpacked beforehand, as the launcher does. */
class ChosenLibraryTest {
  private static final String EXTERNAL =
      "-Dcom.amazon.corretto.crypto.provider.useExternalLib=true";
  private static final String[] ALL_WORK = {"EC_P256 true", "EC_P384 true", "RSA_2048 true"};

  @TempDir Path folder;

  private String run() throws Exception {
    try (ChildJvm child =
        new ChildJvm(
            List.of(EXTERNAL, "-Djava.library.path=" + folder), ChosenLibrary.class, List.of())) {
      return child.all();
    }
  }

  @Test
  void withoutTheNativePartTheJdkSignsAndTheReasonIsShown() throws Exception {
    assertThat(run()).contains("SunEC 25").contains("does not load: ").contains(ALL_WORK);
  }

  @Test
  void aNativePartThatIsDamagedIsNotUsed() throws Exception {
    Files.writeString(folder.resolve("libamazonCorrettoCryptoProvider.so"), "no library");
    assertThat(run()).contains("SunEC 25").contains("does not load: ").contains(ALL_WORK);
  }

  @Test
  void theNativePartLoadsFromTheFolderThatItWasUnpackedTo() throws Exception {
    String library = "libamazonCorrettoCryptoProvider.so";
    try (InputStream in =
        Objects.requireNonNull(AmazonCorrettoCryptoProvider.class.getResourceAsStream(library))) {
      Files.copy(in, folder.resolve(library));
    }
    assertThat(run()).contains("AmazonCorrettoCryptoProvider 2.").contains(ALL_WORK);
  }
}
