// What the pages say, by language. English is complete; a language may leave words out, which are then English.

const en = {
  customers: 'Customers',
  signIn: 'Sign in',
  signOut: 'Sign out',
  token: 'Token',
  tokenHelp: 'Made with: clientele token create NAME --scope read',
  search: 'Name, e-mail, phone, any id',
  name: 'Name',
  identifiers: 'Identifiers',
  events: 'Events',
  firstSeen: 'First seen',
  lastSeen: 'Last seen',
  nobody: 'Nobody was found. Try a whole e-mail address, a phone number or the beginning of a name.',
  more: 'Show more',
  loading: 'Loading',
  record: 'What is known',
  computed: 'Added up',
  timeline: 'Timeline',
  filter: 'Filter events by name',
  audiences: 'Audiences',
  consent: 'Consent',
  none: 'None yet.',
  stage: 'Stage',
  granted: 'granted',
  refused: 'refused',
  verified: 'verified',
  blocked: 'not used to join records',
  language: 'Language',
  dark: 'Dark',
  light: 'Light',
  anonymous: 'No name',
  toContent: 'Skip to the page',
  zone: 'Times are in',
};

export type Word = keyof typeof en;

const others: Record<string, Partial<Record<Word, string>>> = {
  th: { customers: 'ลูกค้า', signIn: 'เข้าสู่ระบบ', signOut: 'ออกจากระบบ', language: 'ภาษา', dark: 'มืด', light: 'สว่าง' },
  vi: {
    customers: 'Khách hàng',
    signIn: 'Đăng nhập',
    signOut: 'Đăng xuất',
    language: 'Ngôn ngữ',
    dark: 'Tối',
    light: 'Sáng',
  },
  fa: { customers: 'مشتریان', signIn: 'ورود', signOut: 'خروج', language: 'زبان', dark: 'تیره', light: 'روشن' },
  ru: { customers: 'Клиенты', signIn: 'Войти', signOut: 'Выйти', language: 'Язык', dark: 'Тёмная', light: 'Светлая' },
};

export const languages: Record<string, string> = {
  en: 'English',
  th: 'ไทย',
  vi: 'Tiếng Việt',
  fa: 'فارسی',
  ru: 'Русский',
};

export const directionOf = (language: string): 'ltr' | 'rtl' => (language === 'fa' ? 'rtl' : 'ltr');

/** The language that was chosen, else the first of the browser's that there is, else English. */
export function chooseLanguage(chosen: string | null, wished: readonly string[]): string {
  const all = [chosen ?? '', ...wished.map((w) => w.split('-')[0])];
  return all.find((l) => Object.hasOwn(languages, l)) ?? 'en';
}

export const say = (language: string, word: Word): string => others[language]?.[word] ?? en[word];

/** Numbers and dates as the language writes them; dates in the viewer's zone. */
export function formats(language: string) {
  const number = new Intl.NumberFormat(language);
  const day = new Intl.DateTimeFormat(language, { dateStyle: 'medium' });
  const minute = new Intl.DateTimeFormat(language, { dateStyle: 'medium', timeStyle: 'short' });
  return {
    number: (n: number) => number.format(n),
    day: (t: string) => day.format(new Date(t)),
    minute: (t: string) => minute.format(new Date(t)),
    zone: minute.resolvedOptions().timeZone,
    value: (v: unknown): string => {
      if (typeof v === 'number') return number.format(v);
      if (Array.isArray(v)) return v.map(String).join(', ');
      return typeof v === 'object' && v !== null ? JSON.stringify(v) : String(v);
    },
  };
}
