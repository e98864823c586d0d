// A key for what people name: letters, digits and dashes.
export function keyFrom(name: string): string {
  const plain = name.normalize("NFKD").replace(/[^\p{ASCII}]/gu, "")
  return plain
    .toLowerCase()
    .replace(/[^a-z0-9._]+/g, "-")
    .replace(/^[^a-z0-9]+|-+$/g, "")
    .slice(0, 128)
}
