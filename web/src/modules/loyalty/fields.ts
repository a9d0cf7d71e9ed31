import type { FormInstance } from 'antd';
import { ProblemError } from '@/api/client';

/** `rules.levels[1].bound` as antd names it: `['rules', 'levels', 1, 'bound']`. */
export function pathOf(field: string): (string | number)[] {
  return field
    .split(/[.[\]]+/)
    .filter(Boolean)
    .map((part) => (/^\d+$/.test(part) ? Number(part) : part));
}

/** Puts the server's field errors beside the fields of a form that are named as in the body; says whether all found a
 * place. What is said of a field comes from `words`, or from the server. */
export function placeDeep(
  form: FormInstance,
  error: unknown,
  words: (field: string) => string | undefined = () => undefined,
): boolean {
  if (!(error instanceof ProblemError)) return false;
  const errors = error.problem.errors ?? [];
  const placed = errors.filter(({ field }) => form.getFieldInstance(pathOf(field)) != null);
  form.setFields(
    placed.map(({ field, message }) => ({ name: pathOf(field), errors: [words(field) ?? message] })),
  );
  return placed.length > 0 && placed.length === errors.length;
}
