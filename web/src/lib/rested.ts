import { useEffect, useState } from 'react';

/** The value once it has not changed for `ms`: nothing is asked of the server with every key. */
export function useRested<T>(value: T, ms = 400): T {
  const [rested, setRested] = useState(value);
  useEffect(() => {
    const timer = setTimeout(() => setRested(value), ms);
    return () => clearTimeout(timer);
  }, [value, ms]);
  return rested;
}
