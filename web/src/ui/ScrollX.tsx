import type { ReactNode } from 'react';

/** A wide table that scrolls by itself and can be reached by keyboard. */
export function ScrollX(props: { label: string; children: ReactNode }) {
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: a scrolling area must be reachable by keyboard
    <section className="scroll-x" tabIndex={0} aria-label={props.label}>
      {props.children}
    </section>
  );
}
