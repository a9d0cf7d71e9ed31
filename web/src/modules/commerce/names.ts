import type { TFunction } from 'i18next';
import type { Import } from '@/api/types';

/** What people call an import: its first file, and how many more. */
export function importName(one: Pick<Import, 'files' | 'id'>): string {
  const first = one.files[0]?.name ?? one.id;
  return one.files.length > 1 ? `${first} +${one.files.length - 1}` : first;
}

/** The formats of an import's files in words; the server gives their codes with commas between. */
export function formatNames(t: TFunction, formats?: string | null): string | undefined {
  return formats
    ?.split(', ')
    .map((one) => t(`commerce.format.${one}`, { defaultValue: one }))
    .join(' + ');
}
