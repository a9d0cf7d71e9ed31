import type { FormInstance } from 'antd';
import { ProblemError } from '@/api/client';

/** Puts the server's field errors beside their fields, in `words`; says whether all found a place. */
export function placeErrors(
  form: FormInstance,
  error: unknown,
  names: readonly string[],
  words: (message: string) => string = (message) => message,
): boolean {
  if (!(error instanceof ProblemError)) return false;
  const errors = error.problem.errors ?? [];
  const placed = errors.filter((one) => names.includes(one.field));
  form.setFields(placed.map((one) => ({ name: one.field, errors: [words(one.message)] })));
  return placed.length > 0 && placed.length === errors.length;
}
