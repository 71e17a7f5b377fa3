export { type DoctorOptions, runDoctor } from './doctor.ts';
