/** Lock tokens are GUIDs; a delivery tag holds one in .NET's byte order, `$management` in the text's. */

export function toDeliveryTag(token: string): Buffer {
  const bytes = toUuidBytes(token);
  bytes.subarray(0, 4).reverse();
  bytes.subarray(4, 6).reverse();
  bytes.subarray(6, 8).reverse();
  return bytes;
}

export function toUuidBytes(token: string): Buffer {
  return Buffer.from(token.replaceAll("-", ""), "hex");
}
