import { defineWords } from '../words';

export const words = defineWords(
  {
    search: 'Name, e-mail, phone, any id',
    name: 'Name',
    identifiers: 'Identifiers',
    events: 'Events',
    firstSeen: 'First seen',
    lastSeen: 'Last seen',
    nobody: 'Nobody was found. Try a whole e-mail address, a phone number or the beginning of a name.',
    record: 'What is known',
    computed: 'Added up',
    timeline: 'Timeline',
    filter: 'Filter events by name',
    consent: 'Consent',
    granted: 'granted',
    refused: 'refused',
    verified: 'verified',
    blocked: 'not used to join records',
    anonymous: 'No name',
  },
  {},
);
