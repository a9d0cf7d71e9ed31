import { type ComponentType, createContext } from 'react';

/** A tab that another module puts on the card of a customer. */
export interface CardTab {
  /** In the URL. */
  key: string;
  /** The key of its name. */
  name: string;
  /** The right that it is for. */
  right: string;
  /** What it shows; fetched when it is opened. */
  Tab: ComponentType<{ customer: string }>;
}

/** Modules do not know each other: `app` says which tabs there are. */
export const CardTabs = createContext<readonly CardTab[]>([]);
