package dev.vouchsafe.keys;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.amazon.corretto.crypto.provider.AmazonCorrettoCryptoProvider;
import java.math.BigInteger;
import java.security.KeyPair;
import java.security.KeyPairGenerator;
import java.security.PrivateKey;
import java.security.PublicKey;
import java.security.Security;
import java.security.interfaces.ECPublicKey;
import java.security.interfaces.RSAPublicKey;
import java.security.spec.ECGenParameterSpec;
import java.security.spec.ECParameterSpec;
import java.security.spec.ECPoint;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.EnumMap;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

class SoftwareCryptoTest {
  private static final byte[] MESSAGE = "to be signed".getBytes(UTF_8);
  private static final List<Named> LIBRARIES = libraries();

  /** One library with a key pair of each type, since RSA pairs are slow to make. */
  record Named(JcaCrypto crypto, Map<KeyType, KeyPair> pairs) {
    Named {
      pairs = Collections.unmodifiableMap(new EnumMap<>(pairs));
    }

    @Override
    public String toString() {
      return crypto.description();
    }

    KeyPair pair(KeyType type) {
      KeyPair pair = pairs.get(type);
      if (pair == null) {
        throw new AssertionError(type);
      }
      return pair;
    }
  }

  private static List<Named> libraries() {
    List<JcaCrypto> all = new ArrayList<>(List.of(JcaCrypto.jdk("not asked for")));
    if (SoftwareCrypto.choose() instanceof JcaCrypto chosen
        && chosen.description().startsWith("Amazon")) {
      all.add(chosen);
    }
    return all.stream()
        .map(crypto -> {
          Map<KeyType, KeyPair> pairs = new EnumMap<>(KeyType.class);
          for (KeyType type : KeyType.values()) {
            pairs.put(type, crypto.generate(type));
          }
          return new Named(crypto, pairs);
        })
        .toList();
  }

  static Stream<Named> each() {
    return LIBRARIES.stream();
  }

  static Stream<List<Named>> pairs() {
    return LIBRARIES.stream().flatMap(a -> LIBRARIES.stream().map(b -> List.of(a, b)));
  }

  @Test
  void theNativeLibraryIsChosenExactlyWhereItLoads() {
    boolean loads = AmazonCorrettoCryptoProvider.INSTANCE.getLoadingError() == null;
    assertThat(SoftwareCrypto.choose().description())
        .startsWith(loads ? "AmazonCorrettoCryptoProvider 2." : "SunEC")
        .matches(text -> loads || text.contains("does not load: "));
  }

  @Test
  void noProviderIsRegisteredForTheWholeProcess() {
    SoftwareCrypto.choose();
    assertThat(Security.getProvider("AmazonCorrettoCryptoProvider")).isNull();
  }

  @ParameterizedTest
  @MethodSource("pairs")
  void whatOneLibrarySignsTheOtherVerifies(List<Named> both) {
    for (KeyType type : KeyType.values()) {
      KeyPair pair = both.get(0).pair(type);
      byte[] signature = both.get(0).crypto().sign(pair.getPrivate(), type, MESSAGE);
      SoftwareCrypto verifier = both.get(1).crypto();
      assertThat(verifier.verify(pair.getPublic(), type, MESSAGE, signature)).isTrue();
      assertThat(verifier.verify(pair.getPublic(), type, new byte[0], signature)).isFalse();
      PublicKey another = both.get(1).crypto().generate(KeyType.EC_P256).getPublic();
      assertThat(verifier.verify(another, type, MESSAGE, signature)).isFalse();
    }
  }

  @ParameterizedTest
  @MethodSource("pairs")
  void aKeyThatOneLibraryMadeIsReadByTheOther(List<Named> both) throws Exception {
    for (KeyType type : KeyType.values()) {
      KeyPair pair = both.get(0).pair(type);
      JcaCrypto reader = both.get(1).crypto();
      PrivateKey privateKey = reader.readPrivate(type, pair.getPrivate().getEncoded());
      PublicKey publicKey = JcaCrypto.readPublic(reader, type, pair.getPublic().getEncoded());
      assertThat(publicKey.getEncoded()).isEqualTo(pair.getPublic().getEncoded());
      byte[] signature = reader.sign(privateKey, type, MESSAGE);
      assertThat(reader.verify(pair.getPublic(), type, MESSAGE, signature)).isTrue();
    }
  }

  @ParameterizedTest
  @MethodSource("each")
  void aPublicKeyIsAnOrdinaryOneOfItsType(Named library) {
    for (KeyType type : KeyType.values()) {
      PublicKey key = library.pair(type).getPublic();
      assertThat(KeyType.of(key)).contains(type);
      assertThat(key.getFormat()).isEqualTo("X.509");
      assertThat(key)
          .isInstanceOf(type.keyAlgorithm().equals("EC") ? ECPublicKey.class : RSAPublicKey.class);
    }
    assertThat(((RSAPublicKey) library.pair(KeyType.RSA_2048).getPublic()).getPublicExponent())
        .isEqualTo(BigInteger.valueOf(65537));
  }

  @ParameterizedTest
  @MethodSource("each")
  void aSignatureWithAnyOctetChangedOrMissingDoesNotVerify(Named library) {
    for (KeyType type : List.of(KeyType.EC_P256, KeyType.EC_P384, KeyType.RSA_2048)) {
      KeyPair pair = library.pair(type);
      byte[] good = library.crypto().sign(pair.getPrivate(), type, MESSAGE);
      List<byte[]> wrong = new ArrayList<>(List.of(new byte[0], new byte[good.length]));
      for (int i = 0; i < good.length; i++) {
        wrong.add(Arrays.copyOf(good, i));
        byte[] changed = good.clone();
        changed[i] ^= 1;
        wrong.add(changed);
      }
      wrong.add(Arrays.copyOf(good, good.length + 1));
      for (byte[] signature : wrong) {
        assertThat(library.crypto().verify(pair.getPublic(), type, MESSAGE, signature)).isFalse();
      }
      assertThat(library.crypto().verify(pair.getPublic(), type, MESSAGE, good)).isTrue();
    }
  }

  @ParameterizedTest
  @MethodSource("each")
  void anyOctetsAtAllAreNoSignature(Named library) {
    Random random = new Random(7);
    for (int i = 0; i < 300; i++) {
      byte[] octets = new byte[random.nextInt(120)];
      random.nextBytes(octets);
      assertThat(
              library
                  .crypto()
                  .verify(
                      library.pair(KeyType.EC_P256).getPublic(), KeyType.EC_P256, MESSAGE, octets))
          .isFalse();
    }
  }

  @ParameterizedTest
  @MethodSource("each")
  void aKeyOfAnotherTypeNeitherSignsNorVerifies(Named library) {
    for (KeyType used : KeyType.values()) {
      for (KeyType asked : KeyType.values()) {
        if (used != asked) {
          KeyPair pair = library.pair(used);
          byte[] signature = library.crypto().sign(pair.getPrivate(), used, MESSAGE);
          assertThat(library.crypto().verify(pair.getPublic(), asked, MESSAGE, signature))
              .isFalse();
          assertThatThrownBy(() -> library.crypto().sign(pair.getPrivate(), asked, MESSAGE))
              .isInstanceOf(IllegalArgumentException.class);
        }
      }
    }
  }

  @ParameterizedTest
  @MethodSource("each")
  void aPointOffItsCurveVerifiesNothing(Named library) throws Exception {
    ECPublicKey good = (ECPublicKey) library.pair(KeyType.EC_P256).getPublic();
    byte[] signature =
        library.crypto().sign(library.pair(KeyType.EC_P256).getPrivate(), KeyType.EC_P256, MESSAGE);
    for (ECPoint point :
        List.of(
            new ECPoint(good.getW().getAffineX(), good.getW().getAffineY().add(BigInteger.ONE)),
            new ECPoint(BigInteger.ZERO, BigInteger.ZERO),
            ECPoint.POINT_INFINITY)) {
      PublicKey bad = new MadeUpKey(good.getParams(), point);
      assertThat(library.crypto().verify(bad, KeyType.EC_P256, MESSAGE, signature)).isFalse();
    }
  }

  /** A public key that claims a point, as a request of an attacker could. */
  private record MadeUpKey(ECParameterSpec parameters, ECPoint point) implements ECPublicKey {
    @Override
    public ECPoint getW() {
      return point;
    }

    @Override
    public ECParameterSpec getParams() {
      return parameters;
    }

    @Override
    public String getAlgorithm() {
      return "EC";
    }

    @Override
    public String getFormat() {
      return "X.509";
    }

    @Override
    public byte[] getEncoded() {
      byte[] start =
          HexFormat.of().parseHex("3059301306072a8648ce3d020106082a8648ce3d030107034200" + "04");
      byte[] encoded = Arrays.copyOf(start, start.length + 64);
      if (!point.equals(ECPoint.POINT_INFINITY)) {
        put(encoded, start.length, point.getAffineX());
        put(encoded, start.length + 32, point.getAffineY());
      }
      return encoded;
    }

    private static void put(byte[] into, int at, BigInteger coordinate) {
      byte[] octets = coordinate.toByteArray();
      for (int i = 0; i < Math.min(32, octets.length); i++) {
        into[at + 31 - i] = octets[octets.length - 1 - i];
      }
    }
  }

  @ParameterizedTest
  @MethodSource("each")
  void aCurveOfTheSameSizeIsAnotherType(Named library) throws Exception {
    KeyPairGenerator generator = KeyPairGenerator.getInstance("EC");
    generator.initialize(new ECGenParameterSpec("secp521r1"));
    PublicKey key = generator.generateKeyPair().getPublic();
    for (KeyType type : KeyType.values()) {
      assertThat(library.crypto().verify(key, type, MESSAGE, new byte[70])).isFalse();
    }
  }

  @ParameterizedTest
  @MethodSource("each")
  void manyVirtualThreadsShareOneLibrary(Named library) throws Exception {
    KeyPair pair = library.pair(KeyType.EC_P256);
    try (ExecutorService executor = Executors.newVirtualThreadPerTaskExecutor()) {
      List<Future<Boolean>> results = new ArrayList<>();
      for (int i = 0; i < 100; i++) {
        byte[] message = ("message " + i).getBytes(UTF_8);
        results.add(
            executor.submit(() -> {
              KeyPair own = library.crypto().generate(KeyType.EC_P256);
              byte[] ours = library.crypto().sign(pair.getPrivate(), KeyType.EC_P256, message);
              byte[] fresh = library.crypto().sign(own.getPrivate(), KeyType.EC_P256, message);
              return library.crypto().verify(pair.getPublic(), KeyType.EC_P256, message, ours)
                  && library.crypto().verify(own.getPublic(), KeyType.EC_P256, message, fresh)
                  && !library.crypto().verify(own.getPublic(), KeyType.EC_P256, message, ours);
            }));
      }
      for (Future<Boolean> result : results) {
        assertThat(result.get()).isTrue();
      }
    }
  }
}
