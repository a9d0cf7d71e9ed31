// Steps of one story in a browser: what specs share.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { test as nodeTest } from 'node:test';
import { launch } from '../dev/browser.mjs';

export const BASE = process.env.BASE_URL ?? 'http://127.0.0.1:8420';
const AXE = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');

/** Opens a Chinese page on a desk in a browser of its own; `errors` are those that its scripts threw. */
export async function openPage() {
  const browser = await launch();
  const context = await browser.newContext({
    locale: 'zh-CN',
    viewport: { width: 1440, height: 900 },
    bypassCSP: true,
    reducedMotion: 'reduce',
  });
  const page = await context.newPage();
  page.setDefaultTimeout(60_000);
  const errors = [];
  page.on('pageerror', (error) => errors.push(error.message));
  return { browser, page, errors };
}

/** Goes to a path and signs in there, by `EMAIL` and `PASSWORD`; `act` does the last step in its own way. */
export async function signIn(page, path, act = (button) => button.click()) {
  await page.goto(`${BASE}${path}`);
  await page.getByLabel('邮箱').fill(process.env.EMAIL);
  await page.getByLabel('密码').fill(process.env.PASSWORD);
  return act(page.getByRole('button', { name: '登录' }));
}

/** Whether axe finds nothing serious on the page. */
export async function accessible(page) {
  await page.evaluate(AXE);
  const { violations } = await page.evaluate(() => window.axe.run(document, { resultTypes: ['violations'] }));
  const grave = violations.filter((one) => ['serious', 'critical'].includes(one.impact));
  assert.deepEqual(
    grave.map((one) => `${one.id}: ${one.nodes[0]?.html.slice(0, 160)}`),
    [],
  );
}

/** Gives a `test` whose steps need those before them: after a failure the rest is passed over, not waited for in vain. */
export function story(afterFailure) {
  let broken = false;
  return (name, run) =>
    nodeTest(name, async (context) => {
      if (broken) {
        context.skip('an earlier step failed');
        return;
      }
      try {
        await run();
      } catch (error) {
        broken = true;
        await afterFailure?.();
        throw error;
      }
    });
}
