import type { Import } from '@/api/types';

/** What people call an import: its first file, and how many more. */
export function importName(one: Pick<Import, 'files' | 'id'>): string {
  const first = one.files[0]?.name ?? one.id;
  return one.files.length > 1 ? `${first} +${one.files.length - 1}` : first;
}
