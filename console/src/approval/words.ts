import { defineWords } from '../words';

export const words = defineWords(
  {
    together: 'Owner, approval and comments',
    owner: 'Owner',
    approvedBy: 'approved by {name}',
    waits: 'A draft waits for approval',
    waitsHelp: '{name} drafted it {at}. Nobody is in it, or leaves what is live, until somebody approves it.',
    wouldBe: 'It would be',
    approve: 'Approve',
    withdraw: 'Withdraw',
    refuse: 'Refuse',
    withdrawTitle: 'Drop the draft of {name}?',
    withdrawHelp: 'What is live stays as it is. The draft is gone.',
    mayNotApprove: 'Your role may not approve; an executive or an admin may.',
    comments: 'Comments',
    noComments: 'Nothing was said yet.',
    comment: 'Say something',
    send: 'Comment',
    remove: 'Delete the comment of {name}',
  },
  {
    fa: { owner: 'مالک', approve: 'تأیید', comments: 'نظرها', send: 'ثبت نظر' },
    ru: { owner: 'Владелец', approve: 'Утвердить', comments: 'Комментарии', send: 'Отправить' },
    vi: { owner: 'Người phụ trách', approve: 'Phê duyệt', comments: 'Bình luận', send: 'Gửi' },
    th: { owner: 'เจ้าของ', approve: 'อนุมัติ', comments: 'ความคิดเห็น', send: 'ส่ง' },
  },
);
