import { useEffect, useRef } from 'react';

function typing(target: EventTarget | null): boolean {
  return (
    target instanceof HTMLElement &&
    (target.isContentEditable ||
      /^(INPUT|TEXTAREA|SELECT)$/.test(target.tagName) ||
      !!target.closest('[role="dialog"]'))
  );
}

/** Single-key shortcuts outside of fields and dialogues. `g c` names a key after `g`. */
export function useKeys(handlers: Record<string, (event: KeyboardEvent) => void>) {
  const latest = useRef(handlers);
  latest.current = handlers;
  useEffect(() => {
    let prefix = '';
    let prefixAt = 0;
    const onKey = (event: KeyboardEvent) => {
      const chord = (event.ctrlKey || event.metaKey) && !event.altKey ? `mod+${event.key.toLowerCase()}` : '';
      if (chord) {
        const handler = latest.current[chord];
        if (handler) {
          event.preventDefault();
          handler(event);
        }
        return;
      }
      if (event.altKey || typing(event.target)) return;
      const after = prefix && Date.now() - prefixAt < 1200 ? `${prefix} ${event.key.toLowerCase()}` : '';
      prefix = '';
      const handler =
        latest.current[after] ?? latest.current[event.key] ?? latest.current[event.key.toLowerCase()];
      if (handler) {
        event.preventDefault();
        handler(event);
      } else if (event.key === 'g') {
        prefix = 'g';
        prefixAt = Date.now();
      }
    };
    document.addEventListener('keydown', onKey);
    return () => document.removeEventListener('keydown', onKey);
  }, []);
}
