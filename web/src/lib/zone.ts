/** Clocks in China, until the shops are known. */
export const CHINA = 8 * 3600;

interface ShopClock {
  id: string;
  zone_offset_seconds: number;
}

/** How many seconds the clocks of a shop are ahead of UTC; of all shops together, those of the first. */
export function offsetOf(shops: ShopClock[] | undefined, shop?: string): number {
  const found = shop === undefined ? shops?.[0] : shops?.find((one) => one.id === shop);
  return found?.zone_offset_seconds ?? CHINA;
}

/** The offset that a mapping names for the clocks of a file, such as `utc_offset = "+09:00"`. */
export function offsetIn(toml: string | undefined): number | undefined {
  const [, sign, hours, minutes] =
    /^[ \t]*utc_offset[ \t]*=[ \t]*["']([+-])(\d{1,2}):?(\d{2})["']/m.exec(toml ?? '') ?? [];
  if (!sign) return undefined;
  return (sign === '-' ? -1 : 1) * (Number(hours) * 3600 + Number(minutes) * 60);
}
