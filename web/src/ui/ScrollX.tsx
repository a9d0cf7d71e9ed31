import type { ReactNode } from 'react';

/** A wide table that scrolls by itself and can be reached by keyboard. */
export function ScrollX(props: { label: string; className?: string; children: ReactNode }) {
  return (
    <section
      className={props.className ? `scroll-x ${props.className}` : 'scroll-x'}
      // biome-ignore lint/a11y/noNoninteractiveTabindex: a scrolling area must be reachable by keyboard
      tabIndex={0}
      aria-label={props.label}
    >
      {props.children}
    </section>
  );
}
