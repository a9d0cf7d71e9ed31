import { App } from 'antd';
import { useMemo } from 'react';
import { ProblemError } from '@/api/client';
import { useProblemText } from './states';

/** Short messages at the top; a refusal stays long enough to be read and quoted. */
export function useSay() {
  const { message } = App.useApp();
  const text = useProblemText();
  return useMemo(
    () => ({
      done: (words: string) => void message.success(words),
      wrong: (words: string) => void message.error({ content: words, duration: 8 }),
      refused: (error: unknown) => {
        const quote = error instanceof ProblemError && error.status >= 500 ? ` (${error.quote})` : '';
        void message.error({ content: `${text(error)}${quote}`, duration: 8 });
      },
    }),
    [message, text],
  );
}
