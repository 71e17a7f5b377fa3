-- Generated from db/migrations by `npm run generate`; do not edit.
PRAGMA user_version = 0;
