import { useCallback, useEffect, useRef, useState } from 'react';
import { useUrl } from '@/lib/url';

/** Walks a keyset list forward and back; the place is in the URL, the way back in memory. */
export function useKeyset(filterKey: string) {
  const [url, setUrl] = useUrl();
  const after = url.after;
  const [way, setWay] = useState<(string | undefined)[]>([]);
  const lastKey = useRef(filterKey);
  useEffect(() => {
    if (lastKey.current !== filterKey) {
      lastKey.current = filterKey;
      setWay([]);
    }
  }, [filterKey]);
  const forward = useCallback(
    (next: string) => {
      setWay((before) => [...before, after]);
      setUrl({ after: next }, { push: true });
    },
    [after, setUrl],
  );
  const back = useCallback(() => {
    setUrl({ after: way.at(-1) }, { push: true });
    setWay((before) => before.slice(0, -1));
  }, [way, setUrl]);
  return {
    after,
    forward,
    back,
    atStart: !after,
    pageNumber: after && way.length === 0 ? undefined : way.length + 1,
  };
}
