/**
 * Where private keys live. {@link PrivateKeyStore} is the face that every backend has; {@link
 * PrivateKeyStores} opens one.
 */
@NullMarked
package dev.vouchsafe.keys;

import org.jspecify.annotations.NullMarked;
