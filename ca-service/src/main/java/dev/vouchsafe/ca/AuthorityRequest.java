package dev.vouchsafe.ca;

/**
 * An authority whose key is there and whose certificate others are to make.
 *
 * @param id stable name, such as {@code device-1}
 * @param keyStore name of the store that holds its key
 * @param subject the name that it is to have (RFC 4514)
 * @param pem the certification request (RFC 2986) in PEM
 * @param first whether nothing is issued before that certificate is there
 */
public record AuthorityRequest(
    String id, String keyStore, String subject, String pem, boolean first) {}
