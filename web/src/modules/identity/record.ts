/** The customer or order that a pasted id or address names. */
export const recordIn = (text: string): string | undefined =>
  /\b(?:cus|ord)_[0-9a-z]{26}\b/.exec(text.trim())?.[0];
