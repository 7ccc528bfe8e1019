/** `start`, the parts with `between` between them, `end`: in one piece of memory, each byte copied once and none encoded again. */
export function joinBytes(start: string, parts: readonly Buffer[], end: string, between = ","): Buffer {
  const [head, tail, middle] = [Buffer.from(start), Buffer.from(end), Buffer.from(between)];
  const middles = Math.max(0, parts.length - 1) * middle.length;
  const whole = Buffer.allocUnsafe(parts.reduce((sum, part) => sum + part.length, head.length + middles + tail.length));
  let at = head.copy(whole);
  parts.forEach((part, index) => {
    if (index > 0) at += middle.copy(whole, at);
    at += part.copy(whole, at);
  });
  tail.copy(whole, at);
  return whole;
}
