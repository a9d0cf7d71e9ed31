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

/**
 * The files of an import that have rejected rows, by their place from 1 and under names that tell them
 * apart: sheets of one workbook have its name, and two files may have the same.
 */
export function withRejects(one: Pick<Import, 'files'>): { number: number; name: string }[] {
  const names = one.files.map((file) => (file.sheet ? `${file.name} · ${file.sheet}` : file.name));
  return one.files.flatMap((file, place) => {
    if (!file.rejected) return [];
    const name = names[place] ?? file.name;
    const isAlone = names.filter((other) => other === name).length === 1;
    return [{ number: place + 1, name: isAlone ? name : `${name} (${place + 1})` }];
  });
}
