// What the frame and the shared pieces say, by language; a section's own words are in its folder. English is
// complete. The sections that translated.test.ts names are complete in every language; in others a language may
// leave words out, which are then English.

type Others<W> = Record<string, Partial<Record<keyof W, string>>>;

/** Words by language: English first, which names them. */
export interface Words<W extends Record<string, string> = Record<string, string>> {
  en: W;
  others: Others<W>;
}

export const defineWords = <const W extends Record<string, string>>(
  en: W,
  others: Others<W>,
): Words<Record<keyof W & string, string>> => ({ en, others }) as Words<Record<keyof W & string, string>>;

export const words = defineWords(
  {
    home: 'Home',
    customers: 'Customers',
    audiences: 'Audiences',
    explore: 'Explore',
    predictions: 'Predictions',
    data: 'Data',
    privacy: 'Privacy',
    settings: 'Settings',
    navigation: 'Main navigation',
    showNavigation: 'Show or hide the navigation',
    signIn: 'Sign in',
    signOut: 'Sign out',
    userName: 'Name',
    password: 'Password',
    token: 'Token',
    tokenHelp: 'Made with: clientele token create NAME --scope read',
    byToken: 'With a token instead',
    byPassword: 'With name and password instead',
    showSecret: 'Show what is typed',
    more: 'Show more',
    loading: 'Loading',
    none: 'None yet.',
    language: 'Language',
    dark: 'Dark',
    light: 'Light',
    toContent: 'Skip to the page',
    zone: 'Times are in',
    find: 'Find in this list',
    foundNothing: 'Nothing here matches “{find}”.',
    csv: 'CSV',
    csvHelp: 'Download these rows as CSV',
    sortBy: 'Sort by {column}',
    asTable: 'As a table',
    cancel: 'Cancel',
    tryAgain: 'Try again',
    back: 'Back',
    mayNot: 'This page is not for your role',
    mayNotHelp: 'The navigation leads to what is. An admin can give you another role.',
    notFound: 'There is no such page.',
    notFoundHelp: 'The address may be of an older version. The navigation leads to what there is.',
    unreachable: 'The server does not answer',
    unreachableHelp: 'It may be starting again; the page tries once more by itself.',
  },
  {
    th: {
      home: 'หน้าหลัก',
      customers: 'ลูกค้า',
      audiences: 'กลุ่มเป้าหมาย',
      explore: 'สำรวจ',
      predictions: 'การคาดการณ์',
      data: 'ข้อมูล',
      privacy: 'ความเป็นส่วนตัว',
      settings: 'การตั้งค่า',
      navigation: 'เมนูหลัก',
      showNavigation: 'แสดงหรือซ่อนเมนู',
      signIn: 'เข้าสู่ระบบ',
      signOut: 'ออกจากระบบ',
      userName: 'ชื่อ',
      password: 'รหัสผ่าน',
      byToken: 'ใช้โทเค็นแทน',
      byPassword: 'ใช้ชื่อและรหัสผ่านแทน',
      token: 'โทเค็น',
      more: 'แสดงเพิ่มเติม',
      loading: 'กำลังโหลด',
      none: 'ยังไม่มี',
      language: 'ภาษา',
      dark: 'มืด',
      light: 'สว่าง',
      toContent: 'ข้ามไปยังเนื้อหา',
      zone: 'เขตเวลา',
      find: 'ค้นหาในรายการนี้',
      foundNothing: 'ไม่พบ “{find}”',
      csvHelp: 'ดาวน์โหลดเป็น CSV',
      asTable: 'เป็นตาราง',
      cancel: 'ยกเลิก',
      tryAgain: 'ลองอีกครั้ง',
      back: 'กลับ',
      tokenHelp: 'สร้างด้วยคำสั่ง: clientele token create NAME --scope read',
      showSecret: 'แสดงสิ่งที่พิมพ์',
      csv: 'CSV',
      sortBy: 'เรียงตาม {column}',
      mayNot: 'หน้านี้ไม่ใช่สำหรับบทบาทของคุณ',
      mayNotHelp: 'หน้าที่เปิดได้อยู่ในเมนู ผู้ดูแลระบบให้บทบาทอื่นได้',
      notFound: 'ไม่พบหน้านี้',
      notFoundHelp: 'ที่อยู่อาจเป็นของรุ่นก่อน ใช้เมนูเพื่อไปยังหน้าที่มีอยู่',
      unreachable: 'เซิร์ฟเวอร์ไม่ตอบสนอง',
      unreachableHelp: 'เซิร์ฟเวอร์อาจกำลังเริ่มทำงานใหม่ หน้านี้จะลองอีกครั้งเอง',
    },
    vi: {
      home: 'Trang chủ',
      customers: 'Khách hàng',
      audiences: 'Nhóm đối tượng',
      explore: 'Khám phá',
      predictions: 'Dự đoán',
      data: 'Dữ liệu',
      privacy: 'Quyền riêng tư',
      settings: 'Cài đặt',
      navigation: 'Điều hướng chính',
      showNavigation: 'Hiện hoặc ẩn điều hướng',
      signIn: 'Đăng nhập',
      signOut: 'Đăng xuất',
      userName: 'Tên',
      password: 'Mật khẩu',
      byToken: 'Dùng mã truy cập',
      byPassword: 'Dùng tên và mật khẩu',
      token: 'Mã truy cập',
      more: 'Xem thêm',
      loading: 'Đang tải',
      none: 'Chưa có gì.',
      language: 'Ngôn ngữ',
      dark: 'Tối',
      light: 'Sáng',
      toContent: 'Chuyển đến nội dung',
      zone: 'Múi giờ',
      find: 'Tìm trong danh sách',
      foundNothing: 'Không có gì khớp với “{find}”.',
      csvHelp: 'Tải xuống dạng CSV',
      asTable: 'Dạng bảng',
      cancel: 'Hủy',
      tryAgain: 'Thử lại',
      back: 'Quay lại',
      tokenHelp: 'Tạo bằng lệnh: clientele token create NAME --scope read',
      showSecret: 'Hiện nội dung đang nhập',
      csv: 'CSV',
      sortBy: 'Sắp xếp theo {column}',
      mayNot: 'Trang này không dành cho vai trò của bạn',
      mayNotHelp: 'Những gì bạn mở được có trong điều hướng. Quản trị viên có thể đổi vai trò.',
      notFound: 'Không có trang này.',
      notFoundHelp: 'Địa chỉ có thể thuộc phiên bản cũ. Hãy dùng thanh điều hướng để đến các trang hiện có.',
      unreachable: 'Máy chủ không phản hồi',
      unreachableHelp: 'Có thể máy chủ đang khởi động lại; trang sẽ tự thử lại.',
    },
    fa: {
      home: 'خانه',
      customers: 'مشتریان',
      audiences: 'مخاطبان',
      explore: 'کاوش',
      predictions: 'پیش‌بینی‌ها',
      data: 'داده‌ها',
      privacy: 'حریم خصوصی',
      settings: 'تنظیمات',
      navigation: 'ناوبری اصلی',
      showNavigation: 'نمایش یا پنهان کردن ناوبری',
      signIn: 'ورود',
      signOut: 'خروج',
      userName: 'نام',
      password: 'گذرواژه',
      byToken: 'با توکن',
      byPassword: 'با نام و گذرواژه',
      token: 'توکن',
      more: 'نمایش بیشتر',
      loading: 'در حال بارگذاری',
      none: 'هنوز چیزی نیست.',
      language: 'زبان',
      dark: 'تیره',
      light: 'روشن',
      toContent: 'رفتن به صفحه',
      zone: 'منطقهٔ زمانی',
      find: 'جست‌وجو در این فهرست',
      foundNothing: 'چیزی با «{find}» یافت نشد.',
      csvHelp: 'دریافت این ردیف‌ها به صورت CSV',
      asTable: 'به صورت جدول',
      cancel: 'انصراف',
      tryAgain: 'تلاش دوباره',
      back: 'بازگشت',
      tokenHelp: 'ساختن با دستور: clientele token create NAME --scope read',
      showSecret: 'نمایش آنچه نوشته شده',
      csv: 'CSV',
      sortBy: 'مرتب‌سازی بر پایهٔ {column}',
      mayNot: 'این صفحه برای نقش شما نیست',
      mayNotHelp: 'آنچه برای شماست در ناوبری است. مدیر می‌تواند نقش دیگری به شما بدهد.',
      notFound: 'چنین صفحه‌ای نیست.',
      notFoundHelp: 'شاید نشانی از نسخهٔ پیشین باشد. از منوی ناوبری به صفحه‌های موجود بروید.',
      unreachable: 'سرور پاسخ نمی‌دهد',
      unreachableHelp: 'شاید سرور در حال راه‌اندازی دوباره است؛ صفحه خود بار دیگر تلاش می‌کند.',
    },
    ru: {
      home: 'Главная',
      customers: 'Клиенты',
      audiences: 'Аудитории',
      explore: 'Анализ',
      predictions: 'Прогнозы',
      data: 'Данные',
      privacy: 'Конфиденциальность',
      settings: 'Настройки',
      navigation: 'Главное меню',
      showNavigation: 'Показать или скрыть меню',
      signIn: 'Войти',
      signOut: 'Выйти',
      userName: 'Имя',
      password: 'Пароль',
      byToken: 'Войти по токену',
      byPassword: 'Войти по имени и паролю',
      token: 'Токен',
      more: 'Показать ещё',
      loading: 'Загрузка',
      none: 'Пока ничего.',
      language: 'Язык',
      dark: 'Тёмная',
      light: 'Светлая',
      toContent: 'К содержанию страницы',
      zone: 'Часовой пояс',
      find: 'Искать в списке',
      foundNothing: 'Ничего не найдено по «{find}».',
      csvHelp: 'Скачать строки в CSV',
      asTable: 'Таблицей',
      cancel: 'Отмена',
      tryAgain: 'Повторить',
      back: 'Назад',
      tokenHelp: 'Создаётся командой: clientele token create NAME --scope read',
      showSecret: 'Показать введённое',
      csv: 'CSV',
      sortBy: 'Сортировать по столбцу «{column}»',
      mayNot: 'Эта страница не для вашей роли',
      mayNotHelp: 'То, что доступно, есть в навигации. Администратор может дать другую роль.',
      notFound: 'Такой страницы нет.',
      notFoundHelp: 'Возможно, адрес из прежней версии. Все существующие страницы есть в меню.',
      unreachable: 'Сервер не отвечает',
      unreachableHelp: 'Возможно, он перезапускается; страница повторит запрос сама.',
    },
  },
);

export type Word = keyof (typeof words)['en'];

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

const numbers = new Map<string, Intl.NumberFormat>();

function numberOf(language: string): Intl.NumberFormat {
  const made = numbers.get(language) ?? new Intl.NumberFormat(language);
  numbers.set(language, made);
  return made;
}

/** A word of one of the tables, with what stands in {braces} put in; numbers as the language writes them. */
export function sayFrom(
  language: string,
  tables: Words[],
  word: string,
  values: Record<string, string | number> = {},
): string {
  const table = tables.find((t) => word in t.en);
  const [own, rtl] = [table?.others[language]?.[word], directionOf(language) === 'rtl'];
  const text = (own ?? table?.en[word] ?? word).replace(/\{(\w+)\}/g, (_, key) => {
    const v = values[key] ?? '';
    if (typeof v === 'number') return numberOf(language).format(v);
    return rtl ? `\u2068${v}\u2069` : v; // a name keeps its own direction
  });
  return rtl && own === undefined ? `\u2066${text}\u2069` : text; // so does a sentence that is English
}

/** Made when it is first asked for, and kept: what the browser knows of a language takes it milliseconds to find. */
export function kept<T>(make: () => T): () => T {
  let made: T | undefined;
  return () => {
    made ??= make();
    return made;
  };
}

/** Numbers and dates as the language writes them; dates in the viewer's zone. */
export function formats(language: string) {
  const number = () => numberOf(language);
  const cents = kept(() => new Intl.NumberFormat(language, { minimumFractionDigits: 2, maximumFractionDigits: 2 }));
  const short = kept(() => new Intl.NumberFormat(language, { notation: 'compact', maximumFractionDigits: 1 }));
  const percent = kept(() => new Intl.NumberFormat(language, { style: 'percent', maximumFractionDigits: 1 }));
  const day = kept(() => new Intl.DateTimeFormat(language, { dateStyle: 'medium' }));
  const minute = kept(() => new Intl.DateTimeFormat(language, { dateStyle: 'medium', timeStyle: 'short' }));
  const second = kept(() => new Intl.DateTimeFormat(language, { timeStyle: 'medium' }));
  const month = kept(() => new Intl.DateTimeFormat(language, { month: 'short', year: 'numeric', timeZone: 'UTC' }));
  const date = kept(() => new Intl.DateTimeFormat(language, { day: 'numeric', month: 'short' }));
  const away = kept(() => new Intl.RelativeTimeFormat(language, { numeric: 'auto' }));
  return {
    number: (n: number) => number().format(n),
    /** To the cent, with its currency. */
    money: (n: number, currency = '') => `${cents().format(n)} ${currency}`.trim(),
    /** 12.3K: for axes and tiles. */
    short: (n: number) => short().format(n),
    /** A share between 0 and 1. */
    percent: (share: number) => percent().format(share),
    day: (t: string) => day().format(new Date(t)),
    /** The day without its year: for axes. */
    date: (t: string) => date().format(new Date(t)),
    /** The month of a day, or of 2026-11. */
    month: (t: string) => month().format(new Date(t)),
    minute: (t: string) => minute().format(new Date(t)),
    /** The time of day alone. */
    second: (t: string) => second().format(new Date(t)),
    /** In 3 days, tomorrow, 2 days ago. */
    days: (n: number) => away().format(n, 'day'),
    zone: () => minute().resolvedOptions().timeZone,
    value: (v: unknown): string => {
      if (typeof v === 'number') return number().format(v);
      if (Array.isArray(v)) return v.map(String).join(', ');
      return typeof v === 'object' && v !== null ? JSON.stringify(v) : String(v);
    },
  };
}
