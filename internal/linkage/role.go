package linkage

import (
	"strings"
	"sync"
	"unicode"
)

// Role says what a column holds, and so how it is normalised, compared and blocked by.
type Role string

// The roles. A configuration names them so.
const (
	GivenName    Role = "given_name"
	MiddleName   Role = "middle_name"
	Surname      Role = "surname"
	FullName     Role = "full_name"
	Organisation Role = "organisation"
	BirthDate    Role = "birth_date"
	BirthYear    Role = "birth_year"
	BirthMonth   Role = "birth_month"
	BirthDay     Role = "birth_day"
	Email        Role = "email"
	Phone        Role = "phone"
	Postcode     Role = "postcode"
	HouseNumber  Role = "house_number"
	Address      Role = "address"
	City         Role = "city"
	Region       Role = "region"
	Identifier   Role = "identifier" // a number that one person has: passport, loyalty card
	Category     Role = "category"   // one of a few words: gender, occupation
	Number       Role = "number"     // a quantity
	Text         Role = "text"       // anything else in words
	Ignored      Role = "ignore"
)

// Roles are all of them, as a configuration may name them.
var Roles = []Role{GivenName, MiddleName, Surname, FullName, Organisation, BirthDate, BirthYear, BirthMonth, BirthDay, Email, Phone, Postcode,
	HouseNumber, Address, City, Region, Identifier, Category, Number, Text, Ignored}

// Choice is the role of one column and why.
type Choice struct {
	Column string `json:"column"`
	Role   Role   `json:"role"`
	Why    string `json:"why"`

	unsure bool // nothing but the values says so, and they say little
}

// headerList has names of columns, as words run together, for what they hold. The names are those of common
// exports and of the fields' usual abbreviations, in English; headerWords has other languages.
var headerList = []struct {
	role  Role
	names string
}{
	{GivenName, "givenname given firstname first fname fn forename forenames namefirst firstnm vorname prenom nombre nome christianname fnamec1 fnamec2 givennames primarynamefirst"},
	{MiddleName, "middlename middle mname namemiddle middleinitial mi secondname primarynamemiddle middlenames"},
	{Surname, "surname lastname last lname sn ln sname familyname family namelast lastnm nachname apellido apellidos cognome nomdefamille lnamec1 lnamec2 primarynamelast maidenname"},
	{FullName, "fullname name customername personname contactname namefull displayname firstandsurname primarynamefull nativenamefull clientname patientname membername " +
		"accountholder recipient aliasname alias secondarynamefull akaname nameandsurname"},
	{Organisation, "organisation organization company companyname orgname nameorg employer business businessname primarynameorg secondarynameorg firma account accountname legalname"},
	{BirthDate, "dob dateofbirth birthdate birthday bday datebirth birthdt born geburtsdatum datenaissance fechanacimiento datanascita birth"},
	{BirthYear, "by birthyear yearofbirth yob byear birthyr"},
	{BirthMonth, "bm birthmonth monthofbirth mob bmonth"},
	{BirthDay, "bd dayofbirth birthdayofmonth bday2"},
	{Email, "email emailaddress mail mailaddress emailaddr emails electronicmail emailid contactemail primaryemail workemail homeemail"},
	{Phone, "phone phonenumber telephone tel telefon mobile mobilephone cell cellphone mobilenumber phoneno telno telephonenumber homephone workphone contactnumber handy fax msisdn phonenum phones"},
	{Postcode, "postcode postalcode zip zipcode zip5 plz postal addrpostalcode addresspostalcode codepostal postcodefake cap cp pincode zippostalcode addrzip"},
	{HouseNumber, "housenumber streetnumber houseno streetno hausnummer housenum streetnum addrnumber"},
	{Address, "address address1 street streetaddress addr addr1 addressline1 addrline1 addrfull fulladdress strasse adresse direccion streetname addressline line1 mailingaddress postaladdress billingaddress shippingaddress homeaddress residence"},
	{Text, "address2 addr2 addressline2 addrline2 line2 birthplace placeofbirth"},
	{City, "city town suburb locality ort stadt ville ciudad citta addrcity placename village municipality place"},
	{Region, "state province region county addrstate statecode canton bundesland department country countrycode addrcountry nationality"},
	{Identifier, "ssn socsecid socialsecuritynumber socialsecurity ssnnumber nationalid nationalidnumber passport passportnumber driverslicense driverslicensenumber driverlicense licensenumber licencenumber " +
		"taxid taxidnumber taxnumber vat vatnumber loyaltyid loyaltynumber cardnumber customerid customernumber customerno clientid memberid membernumber accountid accountnumber userid patientid " +
		"nhsnumber mrn medicalrecordnumber employeeid studentid leinumber lei externalid deviceid npinumber iban insurancenumber policynumber nino dunsnumber"},
	{Category, "gender sex occupation job profession title salutation maritalstatus language race ethnicity"},
	{Ignored, "id rid record recid recordid rowid row rownumber rownum index idx uniqueid uuid guid recordkey recordno recno pk seq sequence line lineno linenumber datasource source sourcesystem sourceid sourcename system filename " +
		"created createdat createddate updated updatedat updateddate modified modifiedat lastmodified lastupdated timestamp date time datetime inserted insertedat signupdate registered registeredat lastseen firstseen lastlogin " +
		"amount total price revenue spend balance notes note comment comments description hash checksum batch batchid loaddate version"},
}

// headerWords are names of columns in other languages, in their own scripts, words run together and without such as "of"
// (Spanish, Portuguese, French, Italian, German, Dutch, Nordic, Polish, Czech, Turkish, Russian, Ukrainian, Greek, Arabic, Hebrew, Hindi,
// Thai, Vietnamese, Indonesian, Chinese, Japanese, Korean).
var headerWords = []struct {
	role  Role
	names string
}{
	{GivenName, "nombre nombres nombrepila primernombre nome primeironome prenom nomeproprio rufname voornaam roepnaam fornavn förnamn etunimi imię imie jméno jmeno křestníjméno keresztnév prenume adı isim имя имена ім'я όνομα " +
		"الاسمالأول שםפרטי प्रथमनाम पहलानाम ชื่อ ชื่อจริง tên namadepan 名 名字 名前 이름 名カナ"},
	{MiddleName, "segundonombre nomedomeio tweedenaam отчество побатькові πατρώνυμο tênđệm tênlót drugieimię mellannamn mellomnavn"},
	{Surname, "apellido apellidos primerapellido apellidopaterno sobrenome ultimonome apelido nomfamille nom cognome familienname zuname achternaam familienaam efternavn etternavn efternamn sukunimi nazwisko příjmení prijmeni vezetéknév " +
		"soyad soyadı soyisim фамилия прізвище επώνυμο επίθετο اسمالعائلة اللقب שםמשפחה उपनाम कुलनाम นามสกุล สกุล họ namabelakang namakeluarga 姓 姓氏 苗字 성"},
	{FullName, "nombrecompleto nombreapellidos apellidosnombre nombreyapellidos nomecompleto nomprenom nometcognome nomecognome cognomenome vollständigername vorundnachname volledigenaam naam navn namn nimi imięnazwisko imienazwisko jménopříjmení adsoyad adısoyadı " +
		"фио полноеимя піб ονοματεπώνυμο الاسم الاسمالكامل שםמלא שם पूरानाम नाम ชื่อสกุล ชื่อนามสกุล họtên họvàtên nama namalengkap 姓名 全名 氏名 お名前 성명 person who"},
	{Organisation, "empresa entreprise societe société raisonsociale razonsocial ragionesociale azienda bedrijf bedrijfsnaam firmenname unternehmen firmanavn företag yritys przedsiębiorstwo şirket компания организация підприємство εταιρεία الشركة חברה " +
		"บริษัท côngty perusahaan 公司 会社 会社名 회사"},
	{BirthDate, "fechanacimiento fnac fnacimiento fecnac nacimiento datanascimento dtnascimento nascimento datenaissance nele naissance datanascita datadinascita natoil geburtstag gebdat gebdatum geb geboren geborenam geboortedatum geboorte fødselsdato " +
		"födelsedatum syntymäaika dataurodzenia datanarození datumnarození születésidátum doğumtarihi датарождения др датанародження ημερομηνίαγέννησης تاريخالميلاد תאריךלידה जन्मतिथि วันเกิด วันเดือนปีเกิด ngàysinh tanggallahir " +
		"出生日期 生日 出生年月日 生年月日 誕生日 생년월일 생일 bornon bdate birthdayon dateborn"},
	{BirthYear, "añonacimiento anonascimento anneenaissance annonascita geburtsjahr geboortejaar рокнародження годрождения ปีเกิด nămsinh 出生年 生年"},
	{Email, "correo correoelectronico mel courriel adressemail postaelettronica epost epostadresse sähköposti poczta eposta почта элпочта емейл електроннапошта ηλεκτρονικήταχυδρομείο البريدالإلكتروني البريد דואל ईमेल อีเมล thưđiệntử surel " +
		"邮箱 电子邮箱 电子邮件 電子郵件 メール メールアドレス 이메일 mailadres emailadres elmail"},
	{Phone, "telefono teléfono movil móvil celular tlf tfno telefone telemovel telemóvel portable numerotelephone numtel tél cellulare telefonnummer rufnummer mobilnummer mobiltelefon mobiel telefoonnummer telefoon gsm puhelin puhelinnumero telefonszám ceptelefonu " +
		"телефон мобильный мобильныйтелефон тел τηλέφωνο κινητό الهاتف الجوال رقمالهاتف טלפון נייד फ़ोन मोबाइल เบอร์โทร เบอร์โทรศัพท์ โทรศัพท์ มือถือ điệnthoại sốđiệnthoại nomortelepon telepon nomorhp 手机 手机号 手机号码 电话 電話 電話番号 携帯電話 전화번호 휴대폰"},
	{Postcode, "codigopostal códigopostal cpostal cep codicepostale postleitzahl postkode postnummer postinumero kodpocztowy psč psc irányítószám postakodu индекс почтовыйиндекс поштовийіндекс ταχυδρομικόςκώδικας الرمزالبريدي מיקוד पिनकोड รหัสไปรษณีย์ " +
		"mãbưuđiện kodepos 邮编 邮政编码 郵便番号 우편번호"},
	{HouseNumber, "numerocalle hsnr hausnr huisnummer huisnr номердома дом บ้านเลขที่"},
	{Address, "direccion dirección domicilio calle endereco endereço rua logradouro morada adresse rue indirizzo anschrift adres straat straatnaam straathuisnummer strassehausnummer gade vej gate väg osoite katu ulica utca cím adresa cadde sokak " +
		"адрес улица адреса вулиця διεύθυνση οδός العنوان כתובת רחוב पता ที่อยู่ địachỉ alamat 地址 住址 住所 주소"},
	{City, "localidad poblacion población municipio cidade localite localité commune comune wohnort gemeinde woonplaats plaats gemeente stad kaupunki miasto miejscowość město mesto város şehir ilçe il город місто πόλη المدينة עיר शहर อำเภอ เขต thànhphố kota 城市 市 都市 도시 livesin"},
	{Region, "provincia estado departamento departement département regione kraj land provincie län maakunta województwo область регион страна країна νομός المحافظة मंडल จังหวัด tỉnh provinsi 省 省份 都道府県 国家 국가 pais país pays paese"},
	{Identifier, "dni nif nie curp rfc cpf rg codicefiscale nir steuernummer kundennummer kundennr numerocliente bsn burgerservicenummer klantnummer personnummer pesel nip tckimlikno снилс инн паспорт номерпаспорта เลขบัตรประชาชน cmnd cccd nik 身份证 身份证号 会员号 주민등록번호"},
	{Category, "sexo sexe sesso geschlecht geslacht køn kön sukupuoli płeć cinsiyet пол стать φύλο الجنس מין लिंग เพศ giớitính jeniskelamin 性别 性別 성별 anrede titel tratamiento"},
	{Ignored, "fechaalta fechacreacion datecreation erstelltam angelegtam aangemaaktop datasource origen fuente quelle bron importe betrag bedrag montant importo observaciones bemerkung bemerkungen opmerking remarque 备注 創建時間 创建时间"},
}

// entityWords are names of columns that hold the answer in test data: who is who. A matcher that reads
// them proves nothing.
var entityWords = map[string]bool{"cluster": true, "clusterid": true, "entity": true, "entityid": true, "entid": true, "truth": true, "groundtruth": true, "groupid": true, "trueid": true,
	"matchid": true, "label": true, "persontruth": true, "trueentity": true, "goldid": true, "gold": true, "testgroup": true}

// wordsOf splits a column's name where its parts meet: "PrimaryName_Last1" = primary name last 1.
func wordsOf(header string) []string {
	var b strings.Builder
	var before rune
	for _, r := range latin(shorten(header)) {
		switch {
		case unicode.IsUpper(r) && unicode.IsLower(before), unicode.IsDigit(r) != unicode.IsDigit(before) && before != 0:
			b.WriteByte(' ')
		}
		before = r
		if r == '_' || r == '.' || r == '-' || r == '/' || !unicode.IsLetter(r) && !unicode.IsDigit(r) {
			b.WriteByte(' ')
			continue
		}
		b.WriteRune(unicode.ToLower(r))
	}
	return strings.Fields(b.String())
}

// RoleOf is what a column's name says it holds; "" when it says nothing.
func RoleOf(column string) Role { return headerRole(column) }

// headerRole is what a column's name says it holds; "" when it says nothing. Words that tell one of several of
// the same kind apart (home, work, primary, 1, 2) are left out, then those in front, one by one.
func headerRole(header string) Role {
	words := wordsOf(header)
	if r := lookUpHeader(strings.Join(words, "")); r != "" {
		return r
	}
	kept := words[:0:0]
	for _, w := range words {
		if !siblingWords[w] && !connectors[w] && !(len(w) <= 2 && w[0] >= '0' && w[0] <= '9') {
			kept = append(kept, w)
		}
	}
	if n := len(words); n > 0 && aboutRecord[words[n-1]] {
		return Ignored
	}
	for from := range kept {
		r := lookUpHeader(strings.Join(kept[from:], ""))
		switch {
		case r == "" || from > 0 && r == Ignored:
		case from > 0 && r == FullName: // a town's name is a town, and a product's nobody's
			return lookUpHeader(kept[from-1])
		default:
			return r
		}
	}
	for to := len(kept) - 1; to > 0; to-- {
		if r := lookUpHeader(strings.Join(kept[:to], "")); r != "" && r != Ignored && r != FullName {
			return r
		}
	}
	return ""
}

var siblingWords = map[string]bool{"home": true, "work": true, "primary": true, "secondary": true, "main": true, "other": true, "alt": true, "alternate": true, "billing": true, "shipping": true,
	"mailing": true, "customer": true, "client": true, "person": true, "contact": true, "patient": true, "member": true, "user": true, "personal": true, "business": true, "current": true, "kunde": true, "kunden": true, "cliente": true, "klant": true, "kontakt": true, "contacto": true, "old": true, "previous": true,
	"clean": true, "raw": true, "norm": true, "normalised": true, "normalized": true, "std": true, "features": true}

// connectors are words of names of columns that mean nothing by themselves.
var connectors = map[string]bool{"of": true, "the": true, "and": true, "de": true, "del": true, "la": true, "el": true, "du": true, "des": true, "da": true, "di": true, "do": true, "der": true, "das": true,
	"van": true, "y": true, "e": true, "et": true, "und": true, "en": true, "och": true, "og": true, "i": true, "a": true}

// aboutRecord are last words of names of columns that say what a record is, not who.
var aboutRecord = map[string]bool{"type": true, "status": true, "category": true, "role": true, "key": true, "flag": true, "segment": true, "tier": true, "level": true, "class": true,
	"relationship": true, "consent": true, "optin": true, "active": true, "verified": true, "score": true, "rank": true, "channel": true, "stage": true}

func lookUpHeader(name string) Role {
	if entityWords[name] {
		return Ignored
	}
	return headerRoles()[name]
}

// headerRoles are the names of both lists, as names of columns come to be looked up.
var headerRoles = sync.OnceValue(func() map[string]Role {
	out := map[string]Role{}
	for _, list := range [][]struct {
		role  Role
		names string
	}{headerList, headerWords} {
		for _, l := range list {
			for n := range strings.FieldsSeq(l.names) {
				if key := strings.Join(wordsOf(n), ""); out[key] == "" {
					out[key] = l.role
				}
			}
		}
	}
	return out
})
