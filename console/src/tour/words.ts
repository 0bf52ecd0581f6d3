import { defineWords } from '../words';

export const words = defineWords(
  {
    first: 'First steps',
    progress: '{done} of {all}',
    hide: 'Hide the first steps',
    find: 'Find a customer',
    findHow: 'Type a name, an e-mail address or a telephone number, and open the person.',
    one: 'See why two records are one',
    oneHow:
      'On the page of a person: the identifiers, and which record joined each. Point at a value to see its source.',
    audience: 'Build an audience',
    audienceHow: 'Choose conditions and see the count change while you do.',
    question: 'Ask a question',
    questionHow: 'Revenue by country, and the people behind each number.',
    prediction: 'Read a prediction',
    predictionHow: 'What customers will be worth, and how far to trust it.',
    allDone: 'That is the way round. Settings shows these steps again.',
  },
  {
    fa: {
      first: 'گام‌های نخست',
      progress: '{done} از {all}',
      find: 'یافتن یک مشتری',
      one: 'چرا دو رکورد یکی هستند',
      audience: 'ساختن مخاطب',
      question: 'پرسیدن یک پرسش',
      prediction: 'خواندن یک پیش‌بینی',
    },
    ru: {
      first: 'Первые шаги',
      progress: '{done} из {all}',
      find: 'Найти клиента',
      one: 'Почему две записи — один человек',
      audience: 'Собрать аудиторию',
      question: 'Задать вопрос',
      prediction: 'Прочитать прогноз',
    },
    vi: {
      first: 'Những bước đầu',
      progress: '{done} trên {all}',
      find: 'Tìm một khách hàng',
      one: 'Vì sao hai hồ sơ là một',
      audience: 'Tạo nhóm đối tượng',
      question: 'Đặt một câu hỏi',
      prediction: 'Xem một dự đoán',
    },
    th: {
      first: 'ขั้นตอนแรก',
      progress: '{done} จาก {all}',
      find: 'ค้นหาลูกค้า',
      one: 'ทำไมสองระเบียนจึงเป็นคนเดียว',
      audience: 'สร้างกลุ่มเป้าหมาย',
      question: 'ถามคำถาม',
      prediction: 'อ่านการคาดการณ์',
    },
  },
);
