// Steps of one story in a browser: what specs share.
import { test as nodeTest } from 'node:test';

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
