import { theme } from 'antd';
import { expect, it } from 'vitest';
import { themeOf } from '@/app/theme';

const WEIGHTS = [0.2126, 0.7152, 0.0722];

/** Relative luminance of a colour such as `#2b7d87`, as WCAG 2.2 defines it. */
function luminance(colour: string): number {
  const parts = [1, 3, 5].map((at) => Number.parseInt(colour.slice(at, at + 2), 16) / 255);
  const linear = parts.map((part) => (part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4));
  return linear.reduce((sum, part, at) => sum + part * (WEIGHTS[at] ?? 0), 0);
}

it('white stands out from a primary button, hovered and pressed too', () => {
  for (const dark of [false, true]) {
    const token = theme.getDesignToken(themeOf(dark, false));
    for (const colour of [token.colorPrimary, token.colorPrimaryHover, token.colorPrimaryActive]) {
      expect(1.05 / (luminance(colour) + 0.05), `${colour} ${dark}`).toBeGreaterThanOrEqual(4.5);
    }
  }
});
