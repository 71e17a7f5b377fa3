export { ClockDriver } from './clock-driver.ts';
