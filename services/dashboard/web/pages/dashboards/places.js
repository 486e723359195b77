// Places that a map of Central Europe names, the largest first: [name, latitude, longitude].
export const places = [
  ["Berlin", 52.52, 13.40], ["Paris", 48.86, 2.35], ["Warszawa", 52.23, 21.01], ["Wien", 48.21, 16.37],
  ["Hamburg", 53.55, 9.99], ["München", 48.14, 11.58], ["Praha", 50.08, 14.44], ["Milano", 45.46, 9.19],
  ["Köln", 50.94, 6.96], ["Bruxelles", 50.85, 4.35], ["Amsterdam", 52.37, 4.90], ["Frankfurt", 50.11, 8.68],
  ["Zürich", 47.38, 8.54], ["Lyon", 45.76, 4.84], ["Stuttgart", 48.78, 9.18], ["Leipzig", 51.34, 12.37],
  ["Bremen", 53.08, 8.80], ["Lübeck", 53.87, 10.69], ["Rostock", 54.09, 12.13], ["Hannover", 52.37, 9.73],
  ["Magdeburg", 52.13, 11.62], ["Poznań", 52.41, 16.93], ["Łódź", 51.76, 19.46], ["Wrocław", 51.11, 17.03],
  ["Dortmund", 51.51, 7.47], ["Rotterdam", 51.92, 4.48], ["Antwerpen", 51.22, 4.40], ["Lille", 50.63, 3.06],
  ["Kassel", 51.31, 9.49], ["Erfurt", 50.98, 11.03], ["Dresden", 51.05, 13.74], ["Mannheim", 49.49, 8.47],
  ["Luxembourg", 49.61, 6.13], ["Metz", 49.12, 6.18], ["Reims", 49.26, 4.03], ["Orléans", 47.90, 1.91],
  ["Dijon", 47.32, 5.04], ["Grenoble", 45.19, 5.72], ["Genève", 46.20, 6.14], ["Basel", 47.56, 7.59],
  ["Strasbourg", 48.58, 7.75], ["Ulm", 48.40, 9.99], ["Nürnberg", 49.45, 11.08], ["Brno", 49.20, 16.61],
  ["Linz", 48.31, 14.29], ["Salzburg", 47.80, 13.04], ["Graz", 47.07, 15.44], ["Innsbruck", 47.27, 11.40],
  ["Verona", 45.44, 10.99],
];
