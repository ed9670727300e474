/** Exit statuses of sysexits.h that commands end with. */

/** What was typed cannot be used. */
export const EXIT_BAD_USAGE = 64;
/** The registry has refused what it was asked for. */
export const EXIT_REFUSED = 65;
/** No registry answers, or there is no certificate to ask one with. */
export const EXIT_NO_REGISTRY = 69;
/** Certificates cannot be read or written. */
export const EXIT_NO_CERTIFICATES = 74;
