// What forms say of a new password; the engine checks it.
export const AT_LEAST = "At least 12 characters. Several words are fine, with spaces."
